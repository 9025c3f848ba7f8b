import type { Config } from '../config.ts';
import type { Outcome } from '../core/outcome.ts';
import type { SampleRef } from '../core/sample.ts';
import type { ClassName } from '../core/types.ts';
import type { DetectSetup } from '../detect/pipeline.ts';
import type { Policy } from '../redact/plan.ts';

/** Everything a worker needs to know. Plain data: it crosses threads once, when the worker starts. */
export interface Job
  extends Pick<Config, 'fill' | 'encode' | 'jpegQuality' | 'logGeometry' | 'limitPixels' | 'timeLimit' | 'device'> {
  readonly detect: DetectSetup;
  readonly policy: Policy;
  /** `class:id@sha256:…`, for the public record. */
  readonly models: readonly string[];
  readonly policyHash: string;
  /** A photograph with at least this many instances of each class, all of which must be found. */
  readonly selfCheck: { readonly path: string; readonly expect: Readonly<Partial<Record<ClassName, number>>> };
}

export type Task = { readonly kind: 'check' } | { readonly kind: 'sample'; readonly ref: SampleRef };

/** Errors lose their class between threads, so a reply says what happened. */
export type Reply =
  | { readonly kind: 'ready'; readonly providers: readonly string[] }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** The worker cannot be trusted with any sample. */
  | { readonly kind: 'fatal'; readonly message: string };
