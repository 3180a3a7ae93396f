"""The tables and charts that are made of results."""
import contextlib
import io
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree

import bars
import report

AMX = {"cpu": "A chip", "cores": 2, "flags": ["AVX2", "AMX"], "load": 0.5, "date": "2026-01-02", "commit": "abcdef0"}
NO_AMX = AMX | {"flags": ["AVX2"]}


def told(rate, ratio, version="1"):
    return {"version": version, "variant": "1", "rate": rate, "ratio": ratio, "low": ratio, "high": ratio, "cosine": 1}


def embedding(machine):
    return {"resnet50": {"title": "ResNet-50 @256", "rounds": 3, "machine": machine, "contenders": {
        "ort_f32": told(10, 1, "1.30.0"), "cairn_bf16": told(45, 4.5), "cairn_int8": told(70, 7.0),
        "torch_f32": told(8, 0.8, "1.13 <a&b>"), "opencv_f32": {"skip": "No module named 'cv2'"}}}}


def search(flags=("AVX2",)):
    times = {"cairn": [20, 21, 22], "reading the index": [19, 20, 21], "faiss flat": [210, 210, 210]}
    return {"exact": {"title": "1,000,000 × 512, top 100", "rounds": 3, "machine": AMX | {"flags": list(flags)}, "one": times,
                      "batch": {**times, "faiss flat": [110, 105, 100]}, "batch_size": 256, "gigabytes": 0.5,
                      "opening_ms": 0.05, "faiss": "1.7.3"}}


WHOLE = {"a": {"title": "A network", "rounds": 2, "photos": 100, "machine": AMX, "whole": 90, "alone": 50, "together": 95,
               "ratio": 0.9, "low": 0.88, "high": 0.92, "of_together": 0.95}}


class Report(unittest.TestCase):
    def test_bars_that_are_met_are_bold_and_others_are_not(self):
        text = report.embedding_report(embedding(AMX))
        self.assertIn("| ResNet-50 @256 | **4.50** (≥ 4) | 7.00 (≥ 8) | 10.0/s | 0.80 |", text)
        self.assertNotIn("do not apply", text)

    def test_a_machine_without_amx_is_told_that_the_bars_do_not_apply(self):
        text = report.embedding_report(embedding(NO_AMX))
        self.assertIn("**This machine has no AMX: the bars of this table need it and do not apply here.**", text)
        self.assertIn("7.00 (8)", text)

    def test_whoever_is_left_out_is_named_with_the_reason(self):
        self.assertIn("- OpenCV DNN f32, ResNet-50 @256: left out: No module named 'cv2'",
                      report.embedding_report(embedding(AMX)))

    def test_machine_and_versions_are_told(self):
        text = report.embedding_report(embedding(AMX))
        self.assertIn("A chip, 2 cores, AVX2, AMX; one thread each; load when they began 0.5 to 0.5; 2026-01-02; "
                      "commit abcdef0.", text)
        self.assertIn("ONNX Runtime 1.30.0, PyTorch 1.13 <a&b>", text)

    def test_the_chart_is_well_formed_with_a_bar_for_everybody_and_a_tick_for_every_goal(self):
        root = xml.etree.ElementTree.fromstring(report.embedding_chart(embedding(NO_AMX)))
        space = "{http://www.w3.org/2000/svg}"
        self.assertEqual(len(root.findall(f"{space}rect")), 3)
        goals = [line for line in root.findall(f"{space}line") if line.get("class") == "goal"]
        self.assertEqual(len(goals), len(bars.EMBEDDING["resnet50"]))
        self.assertIn("needs AMX (not here)", "".join(root.itertext()))

    def test_searches_are_told_beside_faiss_and_a_plain_read(self):
        text = report.search_report(search())
        self.assertIn("| one query | 21.0 ms | 210.0 ms | **10.00** (≥ 8), 9.5 to 10.5 | **0.95** (≥ 0.6) |", text)
        self.assertIn("| batch of 256 | 21.0 ms | 105.0 ms | 5.00 (≥ 8), 4.5 to 5.5 | – |", text)
        self.assertIn("runs at 25 GB/s", text)

    def test_approximate_searches_are_told_beside_hnswlib(self):
        told = {"setting": "ef 64", "recall": 0.991, "bytes": 40e6, "queries": 100, "milliseconds": [10, 10, 10]}
        graph = {"title": "200,000 × 512, top 10", "rounds": 3, "machine": AMX,
                 "contenders": {"Cairn": told, "hnswlib": told | {"bytes": 100e6, "milliseconds": [20, 20, 20]}}}
        text = report.search_report({"graph": graph})
        self.assertIn("| Cairn | ef 64 | 0.9910 | 10000 | **2.00** (≥ 1) | 40 MB | **0.40** (≤ 0.5) |", text)
        self.assertIn("| hnswlib | ef 64 | 0.9910 | 5000 | 1.00 | 100 MB | 1.00 |", text)
        xml.etree.ElementTree.fromstring(report.search_chart({"graph": graph}))

    def test_searches_without_faiss_are_told_alone(self):
        alone = search()
        for key in ("one", "batch"):
            del alone["exact"][key]["faiss flat"]
        del alone["exact"]["faiss"]
        self.assertIn("faiss is not here: left out", report.search_report(alone))
        xml.etree.ElementTree.fromstring(report.search_chart(alone))

    def test_whole_runs_are_told_as_a_share_of_the_network_alone(self):
        self.assertIn("| A network | 90.0 | 50.0 | 95.0 | **0.90** (≥ 0.85), 0.88 to 0.92 | 0.95 | 0.95 |", report.whole_report(WHOLE))
        xml.etree.ElementTree.fromstring(report.whole_chart(WHOLE))

    def test_only_the_text_between_the_markers_changes_and_again_gives_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            docs = pathlib.Path(folder)
            page = docs / "benchmarks.md"
            page.write_text("before\n<!-- bench:embedding -->\nstale\n<!-- /bench:embedding -->\nafter\n")
            report.write({"embedding": embedding(AMX)}, docs)
            once = page.read_text()
            self.assertTrue(once.startswith("before\n<!-- bench:embedding -->"))
            self.assertTrue(once.endswith("<!-- /bench:embedding -->\nafter\n"))
            self.assertNotIn("stale", once)
            self.assertIn("![embedding](bench_embedding.svg)", once)
            report.write({"embedding": embedding(AMX)}, docs)
            self.assertEqual(page.read_text(), once)

    def test_a_page_without_markers_is_refused(self):
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            report.between_markers("nothing", "embedding", "text")


if __name__ == "__main__":
    unittest.main()
