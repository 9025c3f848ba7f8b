import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../src/core/types.ts';
import { sniffFormat } from '../../src/image/sniff.ts';
import { box, latin1, u32 } from '../fixtures/image-blocks.ts';
import { encoded, fromRgb, photo } from '../fixtures/images.ts';

const ftyp = (...brands: string[]): Buffer =>
  box('ftyp', latin1(brands[0] as string), u32(0), latin1(brands.slice(1).join('')));

describe('sniffFormat', () => {
  it.each(FORMATS)('knows a real %s', async (format) => {
    expect(sniffFormat(await encoded(fromRgb(photo(8, 8)), format))).toEqual({ format });
  });

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'empty'],
    ['text', latin1('I am a photograph, honestly'), 'unknown'],
    ['zeros', Buffer.alloc(64), 'unknown'],
    ['half a PNG signature', latin1('\x89PNG'), 'unknown'],
    ['RIFF that is not WebP', latin1('RIFF\x10\0\0\0WAVEfmt '), 'unknown'],
    ['svg', latin1('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'svg'],
    ['svg after a prolog', latin1('\xef\xbb\xbf<?xml version="1.0"?>\n<!-- c -->\n<svg:svg width="1"/>'), 'svg'],
    ['svg in UTF-16', Buffer.from('\ufeff<svg width="1"/>', 'utf16le'), 'svg'],
    ['html', latin1('<!DOCTYPE html><p>404'), 'html'],
    ['pdf', latin1('%PDF-1.7\n'), 'pdf'],
    ['postscript', latin1('%!PS-Adobe'), 'postscript'],
    ['bmp', latin1('BM\x36\0\0\0'), 'bmp'],
    ['heic', ftyp('heic', 'mif1', 'heic'), 'heic'],
    ['heif with a generic major brand', ftyp('mif1', 'miaf', 'heix'), 'heic'],
    ['mp4', ftyp('isom', 'iso2', 'mp41'), 'video'],
    ['Canon raw, new', ftyp('crx ', 'isom'), 'raw'],
    ['Canon raw, old', latin1('II*\0\x10\0\0\0CR\x02\0'), 'raw'],
    ['jpeg xl', latin1('\xff\x0a\x00\x00'), 'jxl'],
    ['jpeg xl in boxes', latin1('\0\0\0\x0cJXL \r\n\x87\n'), 'jxl'],
    ['jpeg 2000', latin1('\0\0\0\x0cjP  \r\n\x87\n'), 'jp2'],
    ['photoshop', latin1('8BPS\0\x01'), 'psd'],
    ['icon', latin1('\0\0\x01\0\x01\0'), 'ico'],
    ['zip', latin1('PK\x03\x04'), 'zip'],
  ])('refuses %s as %j', (_, bytes, unsupported) => {
    expect(sniffFormat(bytes)).toEqual({ unsupported });
  });

  it('takes AVIF by any of its brands', () => {
    expect(sniffFormat(ftyp('mif1', 'miaf', 'avif'))).toEqual({ format: 'avif' });
    expect(sniffFormat(ftyp('avis', 'avif'))).toEqual({ format: 'avif' });
  });
});
