/** What `synthetic` makes of bodies, and of text. */
export const BODY_FILLS = ['erase', 'mannequin'] as const;
export const TEXT_FILLS = ['glyphs', 'erase'] as const;
