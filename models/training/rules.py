"""How much the teachers are believed, source by source: chosen by looking at contact sheets of what they found."""

from __future__ import annotations

from dataclasses import dataclass

from agreement import FaceRule, PlateRule


@dataclass(frozen=True)
class SourceRule:
    """How the teachers look at one source. Scales are long sides in pixels."""

    weight: float  # share of the source in a prefix of the output
    yunet: tuple[int, ...] = (640, 1024)
    centerface: int = 640
    traffic: bool = False  # plates are common: both networks look at every photograph
    face: FaceRule = FaceRule()
    plate: PlateRule = PlateRule()
    plates_everywhere: bool = False  # many plates are seen by no network: the rest of the photograph is no negative
    always_face: bool = False  # every photograph shows a face, so one without a found face is no negative


# Where people are rare, wheels and lamps that look like faces are not.
SELDOM = FaceRule(agreed_sum=1.0, alone=None, doubt_yunet=0.6, doubt_yunet_large=0.8)
PRINTS = FaceRule(  # garments without wearers: folds and patterns are negatives worth having
    agreed=0.6, agreed_sum=1.4, alone=None, doubt_yunet=0.8, doubt_yunet_large=0.8, doubt_centerface=0.6, doubt_both=0.3
)
NO_PLATES = PlateRule(agreed=2, doubt=2)  # what looks like a plate is a label or a print, a negative worth having
DOUBTFUL_PLATES = PlateRule(agreed=2)  # where both networks agree it is a sign at least as often
RULES = {
    "human": SourceRule(6, yunet=(416, 704), centerface=480, plate=DOUBTFUL_PLATES),
    "ccp": SourceRule(1.5, yunet=(640, 896), centerface=544),
    "olpr": SourceRule(2, yunet=(640, 896), centerface=544, traffic=True, face=SELDOM),
    "clothing": SourceRule(0.6, yunet=(320, 640), centerface=416, face=PRINTS, plate=NO_PLATES),
    "cars320": SourceRule(
        0.5,
        yunet=(320, 640),
        centerface=416,
        traffic=True,
        face=SELDOM,
        plate=PlateRule(agreed=0.4),
        plates_everywhere=True,
    ),
    "fmd": SourceRule(1.2, yunet=(256, 544), centerface=416, plate=NO_PLATES, always_face=True),
    "fakerfaces": SourceRule(0.5, yunet=(416, 832), centerface=416, plate=NO_PLATES),
    "garbage": SourceRule(1.5, yunet=(416, 640), centerface=416, face=SELDOM, plate=DOUBTFUL_PLATES),
    "grocery": SourceRule(0.8, yunet=(320, 448), centerface=416, face=PRINTS, plate=NO_PLATES),
    "ecobin": SourceRule(1.2, yunet=(416, 640), centerface=416, face=PRINTS, plate=NO_PLATES),
    "trashnet": SourceRule(1.2, yunet=(416, 640), centerface=416, face=SELDOM, plate=NO_PLATES),
    "lions": SourceRule(0.5, yunet=(416, 640), centerface=416, face=PRINTS, plate=NO_PLATES),
    "vehicles": SourceRule(0.6, yunet=(416, 640), centerface=416, face=SELDOM, plate=DOUBTFUL_PLATES),
    "ships": SourceRule(0.3, yunet=(416, 640), centerface=416, face=SELDOM, plate=NO_PLATES),
    "statues": SourceRule(0.25, yunet=(416, 640), centerface=416, face=SELDOM, plate=DOUBTFUL_PLATES),
    "elephants": SourceRule(0.4, yunet=(416, 640), centerface=416, face=SELDOM, plate=NO_PLATES),
    "kuih": SourceRule(0.2, yunet=(320, 448), centerface=416, face=PRINTS, plate=NO_PLATES),
}
LABELLED_RULE = SourceRule(2, traffic=True, plate=PlateRule(agreed=2))
