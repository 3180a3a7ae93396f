// fuzz_NAME_seeds FOLDER: writes the target's seeds, a file each.
#include <cstdio>
#include <exception>

#include "cairn/base/files.h"
#include "target.h"

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw cairn::Error("usage: fuzz_NAME_seeds FOLDER");
    const cairn::fs::path folder = argv[1];
    cairn::make_folder(folder);
    for (const cairn::fuzz::Seed& seed : cairn::fuzz::seeds()) {
      cairn::write_file_atomically(folder / seed.name, seed.bytes);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
