import { reportingFrom } from '../detect/pipeline.ts';
import { KEPT_SHARE } from '../prepare.ts';
import type { Job } from '../worker/job.ts';

/**
 * The job that a measurement runs: it reports everything that the networks keep, from a share of the operating
 * threshold on, so that one run shows what other thresholds would have done. What is redacted at the operating
 * threshold stays the same. Plates and text do not stand for each other: a plate that is listed as text would
 * count as missed.
 *
 * @returns thresholds by class are those of the floor; the operating ones are in `job`.
 */
export function evaluationJob(job: Job): Job {
  return { ...job, detect: reportingFrom(job.detect, KEPT_SHARE) };
}
