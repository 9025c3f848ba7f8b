/**
 * Official builds of onnxruntime report names and hashes of models to its maker, and leave a device id in
 * the user's cache folder, unless this is set before the library is loaded. Worker threads have their own
 * copy of the environment, which native code does not see, so the main thread must import it too.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
