#!/usr/bin/env node
// sharp decodes and encodes in libuv's thread pool, whose size is fixed the first time it is used.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, require('node:os').availableParallelism() * 2));

// MiB that a thread may fill before its heap is marked for the first time; pictures count with it. By itself V8 begins with so
// little that a worker marks its heap every ten frames of a clip. It holds for all threads of a process: not a library's to say.
require('node:v8').setFlagsFromString('--initial-old-space-size=64');

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) {
  process.stderr.write(`anonymize: expected Node 20 or newer but received ${process.version}\n`);
  process.exitCode = 2;
} else {
  import('../dist/cli/main.js').then(
    ({ main }) => main(process.argv),
    (error) => {
      process.stderr.write(`anonymize: expected a built package (npm run build) but received: ${error.message}\n`);
      process.exitCode = 2;
    },
  );
}
