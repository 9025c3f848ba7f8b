import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { REPORT } from './private-files.ts';
import { LOG_FOLDER } from './run-log.ts';

/** The page of an output, of public files alone. */
export function publicReport(out: string): string {
  return join(out, LOG_FOLDER, REPORT);
}

/** The page of a private folder, which tells what that knows. */
export function privateReport(privateDir: string): string {
  return join(privateDir, REPORT);
}

/** Removes pages that show what an output was before. */
export async function removeReports(out: string, privateDir: string): Promise<void> {
  for (const page of [publicReport(out), privateReport(privateDir)]) await rm(page, { force: true });
}
