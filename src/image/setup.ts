import sharp from 'sharp';

// Prepares sharp for the whole process when imported: no cache of decoded pixels, one thread per image (the worker
// pool is what runs in parallel), and no loader beyond the allow-list, so that no SVG, PDF, ImageMagick, Ultra HDR
// or file loader can be reached whatever the bytes say.

/** Pictures are read from memory only, and only by these decoders. */
const LOADERS = [
  'VipsForeignLoadJpegBuffer',
  'VipsForeignLoadPngBuffer',
  'VipsForeignLoadWebpBuffer',
  'VipsForeignLoadHeifBuffer',
  'VipsForeignLoadTiffBuffer',
  'VipsForeignLoadNsgifBuffer',
];

sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: LOADERS });
