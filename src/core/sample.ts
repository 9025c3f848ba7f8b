/** How a worker gets at a sample's bytes. */
export type SampleRef =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** The source would not hand it over, such as a tar member beyond the size limit. */
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };
