import type { InputPart, ReadSample } from './input-part.ts';

/** Some samples of a part, in their order. @param isTaken by path; the others count as dropped, by `label`. */
export function selected(part: InputPart, isTaken: (path: string) => boolean, label: string): InputPart {
  const places = [...part.names.keys()].filter((at) => isTaken(part.pathOf(at)));
  const positions = new Map(places.map((place, at) => [place, at]));
  const placeOf = (at: number): number => places[at] as number;
  const left = part.names.length - places.length;
  const dropped = new Map(part.dropped);
  if (left > 0) dropped.set(label, (dropped.get(label) ?? 0) + left);
  return {
    ...part,
    names: places.map((place) => part.names[place] as string),
    dropped,
    originOf: (at) => part.originOf(placeOf(at)),
    pathOf: (at) => part.pathOf(placeOf(at)),
    labelOf: (at) => part.labelOf(placeOf(at)),
    async *read(isWanted): AsyncGenerator<ReadSample> {
      const isWantedThere = (place: number): boolean => {
        const at = positions.get(place);
        return at !== undefined && isWanted(at);
      };
      for await (const sample of part.read(isWantedThere)) {
        yield { ...sample, at: positions.get(sample.at) as number };
      }
    },
  };
}
