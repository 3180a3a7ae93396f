"""A PyTorch module of an ONNX file: the operators of the networks that Cairn writes, in eval mode.

x * sigmoid(x) becomes SiLU, as PyTorch's own networks have it.
"""
import collections

import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F


def attributes_of(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def padder(attributes):
    """Zeros that a layer adds itself (the same at both ends), and a function that pads before it where they differ."""
    pads = list(attributes.get("pads", [0] * 4))
    mode = attributes.get("auto_pad", b"NOTSET")
    if mode == b"SAME_UPPER":
        kernel, strides = attributes["kernel_shape"], attributes.get("strides", [1, 1])

        def same(x):
            around = []
            for size, k, s in list(zip(x.shape[2:], kernel, strides))[::-1]:
                total = max((-(-int(size) // s) - 1) * s + k - int(size), 0)
                around += [total // 2, total - total // 2]
            return F.pad(x, around) if any(around) else x
        return ([k // 2 for k in kernel], lambda x: x) if strides == [1, 1] and all(k % 2 for k in kernel) else ([0, 0], same)
    if mode != b"NOTSET":
        raise ValueError(f"auto_pad {mode.decode()} is not known to this reader")
    if pads[:2] == pads[2:]:
        return pads[:2], lambda x: x
    return [0, 0], lambda x: F.pad(x, [pads[1], pads[3], pads[0], pads[2]])


class OnnxModule(torch.nn.Module):
    """forward(images) gives the wanted output alone."""

    def __init__(self, path, output):
        super().__init__()
        graph = onnx.load(path).graph
        self.constants, self.count = {}, 0  # value name: Python list of an integer constant, or buffer name
        self.input = graph.input[0].name
        self.output = output
        for tensor in graph.initializer:
            self.keep(tensor.name, onnx.numpy_helper.to_array(tensor))
        self.steps = list(self.steps_of(self.wanted_nodes(graph)))

    def keep(self, name, array):
        value = torch.from_numpy(array.copy())
        if not value.is_floating_point():
            self.constants[name] = value.tolist()
            return
        key = f"constant_{self.count}"
        self.count += 1
        self.register_buffer(key, value)
        self.constants[name] = key

    def wanted_nodes(self, graph):
        needed, kept = {self.output}, []
        for node in reversed(graph.node):
            if needed.intersection(node.output):
                needed.update(node.input)
                kept.append(node)
        if not kept:
            raise ValueError(f"no output {self.output}")
        return kept[::-1]

    def steps_of(self, nodes):
        """Function, names of its inputs, names of its outputs; x * sigmoid(x) as one."""
        gates = {n.output[0]: n.input[0] for n in nodes if n.op_type == "Sigmoid"}
        uses = collections.Counter(value for n in nodes for value in n.input)

        def gate_of(node):
            if node.op_type == "Mul":
                for x, gate in (node.input, node.input[::-1]):
                    if gates.get(gate) == x and uses[gate] == 1:
                        return gate
            return None

        silus = {gate_of(node) for node in nodes}
        for node in nodes:
            gate = gate_of(node)
            if gate:
                yield F.silu, [gates[gate]], list(node.output)
            elif node.output[0] not in silus:
                inputs = list(node.input[:1]) if node.op_type == "Clip" else list(node.input)
                yield self.function(node, attributes_of(node)), inputs, list(node.output)

    def number(self, name):
        """A constant of one number; None where an input is left out."""
        return getattr(self, self.constants[name]).item() if name else None

    def function(self, node, a):
        op = node.op_type
        simple = {
            "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "Pow": torch.pow,
            "Relu": torch.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Sqrt": torch.sqrt,
            "Identity": lambda x: x,
            "Shape": lambda x: list(x.shape),
            "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True),
            "PRelu": lambda x, slope: F.prelu(x, slope.reshape(-1)),
        }
        if op in simple:
            return simple[op]
        if op == "Conv":
            padding, pad = padder(a)
            where = {"stride": a.get("strides", [1, 1]), "dilation": a.get("dilations", [1, 1]),
                     "groups": a.get("group", 1), "padding": padding}
            return lambda x, w, b=None: F.conv2d(pad(x), w, b, **where)
        if op == "Gemm":
            if a.get("transA") or not a.get("transB") or a.get("alpha", 1) != 1 or a.get("beta", 1) != 1:
                raise ValueError(f"Gemm {node.name}: only x times transposed weights")
            return lambda x, w, b=None: F.linear(x, w, b)
        if op == "MatMul":
            return torch.matmul
        if op in ("MaxPool", "AveragePool"):
            if a.get("auto_pad", b"NOTSET") != b"NOTSET" or a.get("pads", [0] * 4)[:2] != a.get("pads", [0] * 4)[2:]:
                raise ValueError(f"{op} {node.name}: uneven padding")
            padding = padder(a)[0]
            where = {"kernel_size": a["kernel_shape"], "stride": a.get("strides", [1, 1]), "padding": padding,
                     "ceil_mode": bool(a.get("ceil_mode", 0))}
            if op == "MaxPool":
                return lambda x: F.max_pool2d(x, **where)
            return lambda x: F.avg_pool2d(x, count_include_pad=bool(a.get("count_include_pad", 0)), **where)
        if op == "InstanceNormalization":
            return lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=a.get("epsilon", 1e-5))
        if op == "BatchNormalization":
            return lambda x, w, b, mean, var: F.batch_norm(x, mean, var, w, b, False, 0, a.get("epsilon", 1e-5))
        if op == "Clip":
            low, high = [self.number(name) for name in (*node.input[1:], "", "")[:2]]
            return lambda x: x.clamp_min(low) if high is None else x.clamp(low, high)
        if op == "Concat":
            axis = a["axis"]
            return lambda *xs: sum(xs, []) if isinstance(xs[0], list) else torch.cat(xs, axis)
        if op == "Split":
            axis = a.get("axis", 0)
            return lambda x, sizes: torch.split(x, sizes, axis)
        if op == "Slice":
            def cut(x, starts, ends, axes=None, steps=None):
                if steps and any(s != 1 for s in steps):
                    raise ValueError(f"Slice {node.name}: steps")
                for axis, start, end in zip(axes or range(len(starts)), starts, ends):
                    if isinstance(x, list):
                        return x[start:end]
                    x = x.narrow(axis, start, min(end, x.shape[axis]) - start)
                return x
            return cut
        if op == "Gather":
            return lambda x, i: [x[j] for j in i] if isinstance(i, list) else x[i]
        if op == "Reshape":
            def reshape(x, shape):
                return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape)])
            return reshape
        if op == "Transpose":
            return lambda x: x.permute(a["perm"])
        if op == "Unsqueeze":
            return lambda x, axes: x.unsqueeze(axes[0])
        if op == "Flatten":
            return lambda x: x.flatten(a.get("axis", 1))
        if op == "Softmax":
            return lambda x: x.softmax(a.get("axis", -1))
        if op in ("ReduceSum", "ReduceMean"):
            reduce = torch.sum if op == "ReduceSum" else torch.mean
            return lambda x, axes=None: reduce(x, axes or a["axes"], keepdim=bool(a.get("keepdims", 1)))
        if op == "Constant":
            value = torch.from_numpy(onnx.numpy_helper.to_array(a["value"]).copy())
            value = value if value.is_floating_point() else value.tolist()
            return lambda: value
        raise ValueError(f"operator {op} is not known to this reader")

    def forward(self, images):
        values = {self.input: images}
        for name, constant in self.constants.items():
            values[name] = getattr(self, constant) if isinstance(constant, str) else constant
        for function, inputs, outputs in self.steps:
            result = function(*[values[n] if n else None for n in inputs])
            if len(outputs) == 1:
                values[outputs[0]] = result
            else:
                values.update(zip(outputs, result))
        return values[self.output]
