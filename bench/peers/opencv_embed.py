"""OpenCV's DNN module on one thread, driven as bench/embed_runner.cc is.

/usr/bin/python3 opencv_embed.py MODEL.onnx OUTPUT SIZE

It is read once for each batch, as Debian's version needs it: with fixed shapes, and the bounds of Clip as
attributes.
"""
import math
import sys

import runner


def main():
    import cv2
    import onnx
    import onnx.numpy_helper
    path, output, size = sys.argv[1:4]
    cv2.setNumThreads(1)

    def model_for(batch, side):
        model = onnx.load(path)
        numbers = {t.name: float(onnx.numpy_helper.to_array(t)) for t in model.graph.initializer
                   if t.data_type == onnx.TensorProto.FLOAT and math.prod(t.dims) == 1}
        for node in model.graph.node:
            if node.op_type == "Clip" and len(node.input) > 1:
                for name, value in zip(("min", "max"), list(node.input)[1:]):
                    node.attribute.append(onnx.helper.make_attribute(name, numbers[value] if value else math.inf))
                del node.input[1:]
        dims = model.graph.input[0].type.tensor_type.shape.dim
        for dim, value in zip(dims, (batch, 3, side, side)):
            dim.Clear()
            dim.dim_value = value
        return model.SerializeToString()

    def prepare(variant):
        batch, side = int(variant), int(size)
        network = cv2.dnn.readNetFromONNX(model_for(batch, side))
        network.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        photos = runner.images(batch, side)

        def run():
            network.setInput(photos)
            return network.forward(output)
        run()
        return run

    prepare("1")
    runner.serve(cv2.__version__, ["1", "4"], prepare)


runner.guarded(main)
