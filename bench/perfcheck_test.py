"""What counts as having become slower."""
import pathlib
import tempfile
import unittest

import perfcheck
import tiny_inputs


def told(base, head, base_seconds=(1, 1, 1), head_seconds=(1, 1, 1)):
    return {"base": {"instructions": base, "seconds": list(base_seconds)},
            "head": {"instructions": head, "seconds": list(head_seconds)}}


class Compare(unittest.TestCase):
    def test_more_instructions_than_the_threshold_allows_are_slower(self):
        result = perfcheck.compare(told(100, 106), 0.05)
        self.assertEqual(result["slower"], ["instructions"])
        self.assertIn("SLOWER: instructions", perfcheck.row("search", told(100, 106), result))

    def test_a_few_more_instructions_and_fewer_are_not(self):
        self.assertEqual(perfcheck.compare(told(100, 104), 0.05)["slower"], [])
        self.assertEqual(perfcheck.compare(told(100, 50), 0.05)["slower"], [])

    def test_times_count_only_when_every_round_is_slower(self):
        self.assertEqual(perfcheck.compare(told(100, 100, head_seconds=(3, 3, 1)), 0.05)["slower"], [])
        self.assertEqual(perfcheck.compare(told(100, 100, head_seconds=(1.3, 1.2, 1.4)), 0.05)["slower"],
                         ["time in every round"])

    def test_without_counts_times_alone_are_compared(self):
        result = perfcheck.compare(told(None, None, head_seconds=(1.02, 0.99, 1.01)), 0.05)
        self.assertIsNone(result["instructions"])
        self.assertEqual(result["slower"], [])


class Programs(unittest.TestCase):
    def test_a_program_that_does_not_know_the_work_is_told_by_its_side(self):
        with self.assertRaisesRegex(RuntimeError, "^base: "):
            perfcheck.measure({"base": "false", "head": "true"}, [], 1, None)

    def test_counters_read_what_their_tools_print(self):
        counting = perfcheck.counter()
        if counting is None:
            self.skipTest("neither perf stat nor callgrind counts instructions here")
        words, reader, _ = counting
        self.assertGreater(reader(perfcheck.run([*words, "true"])[1]), 1000)


class Inputs(unittest.TestCase):
    def test_embedding_folders_are_npy_files_of_the_told_shape(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder) / "embeddings"
            tiny_inputs.write_embeddings(place, 3, 4, 1)
            data = (place / "embeddings.npy").read_bytes()
            self.assertEqual(data[:8], b"\x93NUMPY\x01\x00")
            header = int.from_bytes(data[8:10], "little")
            self.assertEqual((10 + header) % 64, 0)
            self.assertIn(b"(3, 4)", data[10:10 + header])
            self.assertEqual(len(data) - 10 - header, 3 * 4 * 4)
            self.assertEqual((place / "ids.txt").read_text().split(), ["00000000", "00000001", "00000002"])


if __name__ == "__main__":
    unittest.main()
