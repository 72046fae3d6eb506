// Threads that work through lists together.
#pragma once
#include <atomic>
#include <thread>
#include <vector>

namespace iceball {

// Waits, spinning at first, then leaving the core to whoever needs it.
template <class Ready>
inline void wait_until(Ready ready) {
  for (int spins = 0; !ready(); spins++)
    if (spins > 4000) std::this_thread::yield();
}

class Team {
 public:
  explicit Team(int threads) : threads_(threads), shares_(2 * threads) {}

  // Every thread does `work(id)`.
  template <class Work>
  void run(Work work) {
    std::vector<std::thread> others;
    for (int t = 1; t < threads_; t++) others.emplace_back(work, t);
    work(0);
    for (auto &other : others) other.join();
  }

  void wait() {
    if (threads_ == 1) return;
    const int turn = turn_.load(std::memory_order_acquire);
    if (here_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
      here_.store(0, std::memory_order_relaxed);
      turn_.store(turn + 1, std::memory_order_release);
      return;
    }
    wait_until([&] { return turn_.load(std::memory_order_acquire) != turn; });
  }

  // Each thread its own part of `count`, always the same one.
  template <class Visit>
  void part(int id, int count, Visit visit) const {
    for (int i = first(id, count); i < first(id + 1, count); i++) visit(i);
  }

  // To be called before `take`, once by each thread, with a wait between. Two lists can be open: `turn` 0 and 1.
  void open(int id, int turn, int count) {
    Share &mine = shares_[turn * threads_ + id];
    mine.end = first(id + 1, count);
    mine.head.store(first(id, count), std::memory_order_relaxed);
  }

  // Work through a list, each thread from its own part on, then helping the others.
  template <class Visit>
  void take(int id, int turn, Visit visit) {
    for (int k = 0; k < threads_; k++) {
      Share &share = shares_[turn * threads_ + (id + k) % threads_];
      for (int i; (i = share.head.fetch_add(GRAIN, std::memory_order_relaxed)) < share.end;)
        for (int n = i; n < (i + GRAIN < share.end ? i + GRAIN : share.end); n++) visit(n);
    }
  }

 private:
  struct alignas(64) Share {
    std::atomic<int> head{0};
    int end = 0;
  };
  static constexpr int GRAIN = 4;

  int first(int id, int count) const { return (int)((int64_t)count * id / threads_); }

  int threads_;
  std::vector<Share> shares_;
  alignas(64) std::atomic<int> here_{0};
  alignas(64) std::atomic<int> turn_{0};
};

}  // namespace iceball
