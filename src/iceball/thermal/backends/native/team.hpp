// Threads that work through lists together.
#pragma once
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace iceball {

// Waits, spinning at first, then leaving the core to whoever needs it.
template <class Ready>
inline void wait_until(Ready ready) {
  for (int spins = 0; !ready(); spins++)
    if (spins > 4000) std::this_thread::yield();
}

// Threads that stay, asleep between calls: to wake one is quicker than to make one. There is one crew for a process.
class Crew {
 public:
  typedef void (*Work)(void *what, int id);

  // A process that was forked has none of its parent's threads: it gets a crew of its own.
  static Crew &here() {
    static std::atomic<Crew *> made{nullptr};
    Crew *now = made.load();
    while (!now || now->process_ != getpid()) {
      Crew *mine = new Crew;
      if (made.compare_exchange_strong(now, mine)) return *mine;
      delete mine;
    }
    return *now;
  }

  // The caller and `count` - 1 others do `work(what, id)`. False if they are at work for somebody else: nothing is done.
  bool run(int count, Work work, void *what) {
    std::unique_lock<std::mutex> mine(busy_, std::try_to_lock);
    if (!mine) return false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (; size_ < count; size_++) std::thread(&Crew::serve, this, size_, call_).detach();
      work_ = work, what_ = what, count_ = count, left_ = count - 1, call_++;
    }
    called_.notify_all();
    work(what, 0);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return left_ == 0; });
    return true;
  }

 private:
  void serve(int id, unsigned seen) {
    for (std::unique_lock<std::mutex> lock(mutex_);;) {
      called_.wait(lock, [&] { return call_ != seen; });
      seen = call_;
      if (id >= count_) continue;
      lock.unlock();
      work_(what_, id);
      lock.lock();
      if (--left_ == 0) done_.notify_one();
    }
  }

  const pid_t process_ = getpid();
  std::mutex busy_, mutex_;
  std::condition_variable called_, done_;
  Work work_ = nullptr;
  void *what_ = nullptr;
  int size_ = 1, count_ = 0, left_ = 0;
  unsigned call_ = 0;
};

class Team {
 public:
  explicit Team(int threads) : threads_(threads), shares_(2 * threads) {}

  // Every thread does `work(id)`.
  template <class Work>
  void run(Work work) {
    if (threads_ == 1) return begin<Work>(&work, 0);
    if (Crew::here().run(threads_, begin<Work>, &work)) return;
    std::vector<std::thread> others;
    for (int t = 1; t < threads_; t++) others.emplace_back(begin<Work>, &work, t);
    begin<Work>(&work, 0);
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
  // One compiled copy for all threads: two could round differently, and the answer depend on who did what.
  template <class Work>
  static __attribute__((noinline)) void begin(void *work, int id) {
    (*static_cast<Work *>(work))(id);
  }

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
