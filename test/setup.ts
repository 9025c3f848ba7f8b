import { expect } from 'vitest';

/**
 * Two arrays of numbers with the same bytes are equal. Without this, `toEqual` looks at one element after the other, at
 * every depth, and takes seconds for a megabyte. Of others, it tells the difference as ever.
 */
function haveSameBytes(a: unknown, b: unknown): true | undefined {
  const areArrays = ArrayBuffer.isView(a) && ArrayBuffer.isView(b) && a.constructor === b.constructor;
  return areArrays && bytesOf(a).equals(bytesOf(b)) ? true : undefined;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

expect.addEqualityTesters([haveSameBytes]);
