// ONNX Runtime on one thread, driven as bench/embed_runner.cc is.
//
//   node ort_embed.js MODEL.onnx OUTPUT SIZE
//
// Run it in a folder with node_modules/onnxruntime-node (bench/run.sh does).
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const module_folder = path.join(process.cwd(), 'node_modules/onnxruntime-node');

const print = (answer) => fs.writeSync(1, JSON.stringify(answer) + '\n');

async function main() {
  const ort = require(module_folder);
  const [model, output, size] = process.argv.slice(2);
  const side = Number(size);
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const feeds = (count) => {
    const values = new Float32Array(count * 3 * side * side);
    let i = 0;
    for (let n = 0; n < count; n++)
      for (let c = 0; c < 3; c++)
        for (let y = 0; y < side; y++)
          for (let x = 0; x < side; x++, i++)
            values[i] = 0.5 * Math.sin(0.031 * x + 0.7 * c + n) + 0.3 * Math.cos(0.047 * y - 0.4 * c) +
              0.2 * (((i * 7919) % 255) / 127.5 - 1);
    return { [session.inputNames[0]]: new ort.Tensor('float32', values, [count, 3, side, side]) };
  };
  print({ version: require(path.join(module_folder, 'package.json')).version, variants: ['1', '4'] });
  let batch = null;
  let held = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, variant, wanted] = line.split(' ');
    const count = Number(variant || 1);
    if (count !== held) batch = feeds(held = count);
    if (command === 'check') {
      const result = await session.run(batch, [output]);
      print({ output: Array.from(result[output].data) });
      continue;
    }
    const runs = Math.max(1, Math.floor(Number(wanted) / count));
    const start = process.hrtime.bigint();
    for (let i = 0; i < runs; i++) await session.run(batch, [output]);
    print({ images: runs * count, seconds: Number(process.hrtime.bigint() - start) / 1e9 });
  }
}

main().catch((error) => {
  print({ skip: String(error.message || error).split('\n')[0] });
  process.exitCode = 1;
});
