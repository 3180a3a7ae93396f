// What tests of hostile files share.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "cairn/base/error.h"

namespace cairn::weights::testing {

// The call must throw an Error of one line that begins with "x: " and says `reason`.
inline void expect_refused(const std::function<void()>& call, const std::string& reason) {
  try {
    call();
    ADD_FAILURE() << "accepted; expected: " << reason;
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with("x: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_NE(message.find(reason), std::string::npos) << message << "; expected: " << reason;
  }
}

}  // namespace cairn::weights::testing
