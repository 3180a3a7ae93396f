// What refused work says.
#pragma once

#include <string>

#include "cairn/base/error.h"

namespace cairn::testing {

// The message of the Error that `work` throws; "" where it throws none.
template <typename Work>
std::string error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace cairn::testing
