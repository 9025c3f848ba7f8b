export {
  type Anonymized,
  type Anonymizer,
  type AnonymizerOptions,
  createAnonymizer,
  type ProcessOptions,
} from './api.ts';
export {
  type ClipFilter,
  type ClipFilterHooks,
  type ClipFilterSummary,
  openClipFilter,
} from './clips/filter.ts';
export { type FrameRunHooks, runFrames } from './clips/frames/run.ts';
export type { FrameRunSummary } from './clips/frames/tally.ts';
export { type ListedClip, type ListedClips, listClips } from './clips/list.ts';
export type { ClipRunProgress, ClipStep } from './clips/progress.ts';
export { type ClipReplay, type ClipReplayOptions, openClipReplay } from './clips/replay.ts';
export { type ClipRunHooks, runClips } from './clips/run.ts';
export type { ClipRunSummary } from './clips/summary.ts';
export { type Config, fillConfig } from './config.ts';
export type { RecordRegion, RedactionRecord, RejectedRecord, VerifiedRecord } from './core/outcome.ts';
export type { Box, ClassName, ImageFormat, Mode, Point } from './core/types.ts';
export { ModelError, OutputError, SampleError, UsageError } from './errors.ts';
export { type ClipEvaluationProgress, type EvaluateClipsOptions, evaluateClips } from './eval/clips/evaluate.ts';
export { type FoundClips, findLabelledClips, type LabelledClip } from './eval/clips/find.ts';
export type { ClipClassReport, ClipEvaluationReport, UncoveredRun } from './eval/clips/report.ts';
export {
  type EvaluateHooks,
  type EvaluateOptions,
  type EvaluateProgress,
  type Evaluation,
  evaluate,
} from './eval/evaluate.ts';
export type { ClassReport, EvaluationReport } from './eval/report.ts';
export type { GivenBox } from './known/boxes.ts';
export type { Options } from './options.ts';
export { type FinalizeOptions, type FinalizeSummary, finalize } from './outputs/finalize.ts';
export { openReplay, type Replay, type ReplayOptions } from './outputs/replay.ts';
export { planWithdrawal, type WithdrawOptions, type WithdrawSummary, withdraw } from './outputs/withdraw.ts';
export { type ReviewSummary, type RunHooks, type RunProgress, type RunSummary, run } from './run.ts';
