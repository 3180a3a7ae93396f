// ONNX Runtime's f32 inference alone (no decoding): images per second of one model on the CPU.
//
//   node ort_embed.js MODEL.onnx OUTPUT SIZE IMAGES SESSIONS THREADS BATCH
//
// SESSIONS sessions, each in a thread of its own with THREADS intra-op threads, run IMAGES images
// between them in batches of BATCH, after a warm-up. Prints images per second, and CPU milliseconds
// per image. Run it in a folder with node_modules/onnxruntime-node (bench/run.sh does).
'use strict';
const path = require('path');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const ort = require(path.join(process.cwd(), 'node_modules/onnxruntime-node'));

const WARM_UP_BATCHES = 10;

async function work({ model, output, size, batches, threads, batch, start }) {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const values = new Float32Array(batch * 3 * size * size);
  for (let i = 0; i < values.length; i++) values[i] = ((i * 7919) % 255) / 127.5 - 1;
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', values, [batch, 3, size, size]) };
  for (let i = 0; i < WARM_UP_BATCHES; i++) await session.run(feeds, [output]);
  // All sessions start their timed part together.
  const gate = new Int32Array(start);
  if (Atomics.sub(gate, 0, 1) === 1) Atomics.notify(gate, 0);
  else for (let left = Atomics.load(gate, 0); left > 0; left = Atomics.load(gate, 0)) Atomics.wait(gate, 0, left, 50);
  const moment = () => ({ time: process.hrtime.bigint(), cpu: process.cpuUsage() });
  const begun = moment();
  for (let i = 0; i < batches; i++) await session.run(feeds, [output]);
  return [begun, moment()];
}

async function main() {
  const [model, output, ...numbers] = process.argv.slice(2);
  const [size, images, sessions, threads, batch] = numbers.map(Number);
  const batches = Math.ceil(images / batch / sessions);
  const start = new SharedArrayBuffer(4);
  new Int32Array(start)[0] = sessions;
  const job = { model, output, size, batches, threads, batch, start };
  const spans = await Promise.all(Array.from({ length: sessions }, () => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: job });
    worker.on('message', resolve);
    worker.on('error', reject);
  })));
  const begun = spans.map((s) => s[0]).reduce((a, b) => (a.time < b.time ? a : b));
  const ended = spans.map((s) => s[1]).reduce((a, b) => (a.time > b.time ? a : b));
  const count = batches * batch * sessions;
  const cpu = ended.cpu.user + ended.cpu.system - begun.cpu.user - begun.cpu.system;
  console.log((count / (Number(ended.time - begun.time) / 1e9)).toFixed(1), (cpu / 1e3 / count).toFixed(2));
}

if (isMainThread) {
  main().catch((error) => { console.error(String(error)); process.exitCode = 1; });
} else {
  work(workerData).then((span) => parentPort.postMessage(span));
}
