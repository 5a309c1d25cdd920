#include "server/request_ids.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace maskd {
namespace {

std::string IdFor(const std::string& id) { return WordsOf({{kRequestIdKey, id}}).request_id; }
std::string TraceOf(const std::string& parent) { return TraceIdOf({{"traceparent", parent}}); }

bool IsMade(const std::string& id) {
  return id.size() == 16 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

TEST(RequestIdsTest, TakesTheCallersId) {
  EXPECT_EQ(IdFor("job-7/step_12:{3}"), "job-7/step_12:{3}");
  EXPECT_EQ(IdFor(std::string(128, 'x')), std::string(128, 'x'));
}

TEST(RequestIdsTest, WhatIsNoId) {
  for (const std::string& id : {std::string(), std::string(129, 'x'), std::string("two words"),
                                std::string("two\nlines"), std::string("\xc3\xa9"), std::string(1, '\0')}) {
    EXPECT_EQ(IdFor(id), "") << id;
  }
  EXPECT_EQ(WordsOf({}).request_id, "");
}

TEST(RequestIdsTest, NoTwoAreTheSame) {
  std::set<std::string> ids;
  for (int i = 0; i < 10000; ++i) ids.insert(MakeRequestId());
  for (const std::string& id : ids) EXPECT_TRUE(IsMade(id)) << id;
  EXPECT_EQ(ids.size(), 10000u);
}

TEST(RequestIdsTest, TraceIdOfATraceparent) {
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string parent = "00-" + id + "-00f067aa0ba902b7-01";
  EXPECT_EQ(TraceOf(parent), id);
  EXPECT_EQ(TraceOf("cc" + parent.substr(2) + "-what.comes.later"), id);
  for (const std::string& malformed :
       {std::string(), parent.substr(1), parent + "-later", parent + "0", "ff" + parent.substr(2),
        "cc" + parent.substr(2) + "later", "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01",
        "00-" + std::string(32, 'A') + "-00f067aa0ba902b7-01", "00-" + id + "-00f067aa0ba902g7-01",
        "00_" + id + "-00f067aa0ba902b7-01"}) {
    EXPECT_EQ(TraceOf(malformed), "") << malformed;
  }
  EXPECT_EQ(TraceIdOf({}), "");
}

TEST(RequestIdsTest, Retries) {
  EXPECT_FALSE(WordsOf({{"x-request-id", "1"}}).retries);
  EXPECT_TRUE(WordsOf({{"maskd-attempt", "2"}}).retries);
  EXPECT_TRUE(WordsOf({{"grpc-previous-rpc-attempts", "1"}}).retries);
}

}  // namespace
}  // namespace maskd
