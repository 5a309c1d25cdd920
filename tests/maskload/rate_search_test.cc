#include "client/maskload/rate_search.h"

#include <gtest/gtest.h>

#include <vector>

namespace maskd::maskload {
namespace {

// Searches a server that meets its objectives up to `capacity`; returns the rates
// that were tried.
std::vector<double> Search(RateSearch& search, double capacity) {
  std::vector<double> rates;
  while (search.rate().has_value()) {
    rates.push_back(*search.rate());
    search.Tell(rates.back() <= capacity);
    if (rates.size() > 100) break;
  }
  return rates;
}

TEST(RateSearchTest, StepsUpAndThenBetween) {
  RateSearch search({.way = SearchWay::kStep, .from = 100, .precision = 0.1});
  // What fails is tried again.
  EXPECT_EQ(Search(search, 500), (std::vector<double>{100, 200, 400, 800, 800, 600, 600, 500, 550, 550}));
  EXPECT_EQ(search.best(), 500);
}

TEST(RateSearchTest, ComesAsNearAsItIsTold) {
  for (const double capacity : {101.0, 333.0, 12'345.0}) {
    RateSearch search({.way = SearchWay::kStep, .from = 100, .precision = 0.02});
    EXPECT_LE(Search(search, capacity).size(), 40u);
    ASSERT_TRUE(search.best().has_value());
    EXPECT_LE(*search.best(), capacity);
    EXPECT_GE(*search.best() * 1.02, capacity);
  }
}

TEST(RateSearchTest, GoesDownIfTheFirstRateIsTooHigh) {
  RateSearch search({.way = SearchWay::kStep, .from = 1000, .precision = 0.1});
  Search(search, 90);
  ASSERT_TRUE(search.best().has_value());
  EXPECT_LE(*search.best(), 90);
  EXPECT_GE(*search.best() * 1.1, 90);
}

TEST(RateSearchTest, GivesUpWhereNothingIsMet) {
  for (const SearchWay way : {SearchWay::kStep, SearchWay::kRamp}) {
    RateSearch search({.way = way, .from = 1000});
    EXPECT_LE(Search(search, 0).size(), 20u);
    EXPECT_FALSE(search.best().has_value());
  }
}

TEST(RateSearchTest, StopsAtTheHighestRateAllowed) {
  RateSearch search({.way = SearchWay::kStep, .from = 100, .to = 300});
  EXPECT_EQ(Search(search, 1e9), (std::vector<double>{100, 200, 300}));
  EXPECT_EQ(search.best(), 300);
}

TEST(RateSearchTest, RampsUntilOneFails) {
  RateSearch search({.way = SearchWay::kRamp, .from = 100, .precision = 0.5});
  EXPECT_EQ(Search(search, 300), (std::vector<double>{100, 150, 225, 337.5, 337.5}));
  EXPECT_EQ(search.best(), 225);
}

TEST(RateSearchTest, NoiseDoesNotEndIt) {
  RateSearch search({.way = SearchWay::kRamp, .from = 100, .to = 200, .precision = 1});
  search.Tell(false);
  EXPECT_EQ(search.rate(), 100);
  search.Tell(true);
  EXPECT_EQ(search.rate(), 200);
  search.Tell(false);
  search.Tell(true);
  EXPECT_FALSE(search.rate().has_value());
  EXPECT_EQ(search.best(), 200);
}

}  // namespace
}  // namespace maskd::maskload
