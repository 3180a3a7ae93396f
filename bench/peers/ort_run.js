// ONNX Runtime's outputs of one model for given inputs.
//
//   node ort_run.js MODEL.onnx OUTPUT SIDE INPUTS.f32 OUTPUTS.f32
//
// INPUTS holds 1 x 3 x SIDE x SIDE float32 numbers a photo; each is run on its own, and OUTPUTS gets what the
// output is for one after the other. Run it in a folder with node_modules/onnxruntime-node.
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require(path.join(process.cwd(), 'node_modules/onnxruntime-node'));

async function main() {
  const [model, output, sideText, inputs, outputs] = process.argv.slice(2);
  const side = Number(sideText);
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const bytes = fs.readFileSync(inputs);
  const one = 3 * side * side;
  const parts = [];
  for (let at = 0; at < bytes.length; at += one * 4) {
    const pixels = new Float32Array(one);
    new Uint8Array(pixels.buffer).set(bytes.subarray(at, at + one * 4));
    const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', pixels, [1, 3, side, side]) };
    const { data } = (await session.run(feeds, [output]))[output];
    parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  fs.writeFileSync(outputs, Buffer.concat(parts));
}

main().catch((error) => { console.error(String(error)); process.exitCode = 1; });
