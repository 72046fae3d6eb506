// The stages of super-time-stepping on tiles: one fused sweep and one barrier per stage.
// Nothing here decides physics: the equation is that of _numpy.py, which every backend is tested against.
#include "faces.hpp"
#include "team.hpp"
#include "wells.hpp"

namespace iceball {
namespace {

// Temperatures at the end of a pass; the coldest, NaN where one is lost.
float finish(const Box &box, int tile) {
  vf low = all(1e9f), bad{};
  const float *h = Own(box, tile).h;
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = (int64_t)VOXELS * tile + TX * r;
    const vf row = load(h + TX * r);
    const vf now = with_matter(box, at, [&](const auto &m) { return temperature_of(box, m, row); });
    store(box.fresh_c + at, now);
    low = smaller(now, low);
    bad += row - row;  // zero, or NaN
  }
  float least = low[0];
  for (int l = 1; l < TX; l++) least = low[l] < least ? low[l] : least;
  return least + sum(bad);
}

// Back to what a tile was before the step.
void bring_back(const Box &box, int tile) {
  const Own own(box, tile);
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = (int64_t)VOXELS * tile + TX * r;
    const vf h = load(own.before + TX * r);
    store(own.h + TX * r, h);
    with_matter(box, at, [&](const auto &m) { show(box, m, at, h, 0, !(box.row_kind[at / TX] & 2)); });
  }
}

// All levels through one super-step, the slowest first.
class Step {
 public:
  Step(const Box &box, const Pass *passes, int count, Wells *wells, float step_s, int threads)
      : box_(box), passes_(passes), count_(count), wells_(wells), step_s_(step_s), team_(threads) {}

  void run() {
    team_.run([this](int id) {
      SmallIsZero here;
      for (int n = 0; n < count_; n++) pass(passes_[n], id);
    });
  }

 private:
  void pass(const Pass &p, int id) {
    team_.part(id, p.foreign, [&](int n) { std::memset(p.flux + FACE * (int64_t)n, 0, sizeof(float) * FACE); });
    team_.part(id, 3 * p.tiles, [&](int n) { p.energy[n] = 0; });
    if (id == 0) wells_done_.store(0, std::memory_order_relaxed);
    team_.open(id, 0, p.tiles);
    team_.wait();
    for (int j = 0; j < p.stages; j++) {
      if (id == 0 && wells_ && p.with_wells) {
        run_wells(box_, *wells_, j % 2, p.time[j], p.share[j], j == 0);
        wells_done_.store(j + 1, std::memory_order_release);
      }
      team_.open(id, (j + 1) % 2, p.tiles);  // nobody takes from the next stage's list yet
      team_.take(id, j % 2, [&](int i) { tile(p, j, i); });
      team_.wait();
    }
    team_.part(id, p.foreign, [&](int n) { hand_over(box_, p, step_s_, n); });
    team_.part(id, p.tiles - p.own, [&](int i) { bring_back(box_, p.tile[p.own + i]); });
    team_.wait();
  }

  void tile(const Pass &p, int j, int i) {
    const int tile = p.tile[i];
    const bool guess = i >= p.own;
    const uint8_t flags = box_.flags[tile] & (guess ? ~WELL : 0xff);
    if (flags & WELL && p.with_wells)
      wait_until([&] { return wells_done_.load(std::memory_order_acquire) > j; });
    const Stage s{p.carry[j], p.weight[j], p.back[j], p.again[j], j == 0, p.second_order != 0, j % 2};
    Sums sums;
    alignas(64) float room[VOXELS];
    const float *through = p.face_start[i] < p.face_start[i + 1] ? run_faces(box_, p, i, j, s.cur, room) : nullptr;
    if (flags & MIXED)
      mixed_tile(box_, s, tile, flags, p.live[i], guess, through, sums);
    else
      pure_tile(box_, s, tile, flags, p.live[i], guess, through, sums);
    double *energy = p.energy + 3 * (int64_t)i;
    if (!(flags & DRY)) {
      energy[0] += p.share[j] * sum(sums.blood);
      energy[1] += p.share[j] * sum(sums.cells);
    }
    if (flags & MIXED) energy[2] += p.share[j] * sum(sums.boundary);
    if (j + 1 == p.stages && !guess) p.low_c[i] = finish(box_, tile);
  }

  const Box &box_;
  const Pass *passes_;
  int count_;
  Wells *wells_;
  float step_s_;
  Team team_;
  alignas(64) std::atomic<int> wells_done_{0};
};

// Take note of the temperatures that a tile has reached.
void settle_tile(const Box &box, const Settle &s, int tile) {
  vf moved{};
  bool stasis = false;
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = (int64_t)VOXELS * tile + TX * r;
    const vf was = load(box.now_c + at), now = load(box.fresh_c + at);
    store(box.now_c + at, now);
    moved = larger(moved, size_of(now - was));
    const vf lowest = smaller(load(box.coldest_c + at), now);
    store(box.coldest_c + at, lowest);
    if (any_less(lowest, all(s.stasis_c))) {
      stasis = true;
      for (int l = 0; l < TX; l++)
        if (lowest[l] < s.stasis_c) box.alive[at + l] = 0;
    }
    const vf low = smaller(was, now), high = larger(was, now);
    for (int c = 0; c < s.clocks; c++) {
      const vf limit = all(s.threshold_c[c]);
      if (!any_less(low, limit)) continue;
      const vf share = smaller(larger((limit - low) / larger(high - low, all(1e-6f)), vf{}), all(1.0f));
      store(s.clock[c] + at, load(s.clock[c] + at) + share * all(s.step_s));
    }
  }
  float most = 0;
  for (int l = 0; l < TX; l++) most = moved[l] > most ? moved[l] : most;
  s.moved_k[tile] = most;
  if (stasis) box.flags[tile] |= STASIS;
}

void accept(const Box &box, const Pass *passes, int count, const Settle &s, int threads) {
  Team team(threads);
  std::vector<double> beyond(6 * threads, 0.0);
  team.run([&](int id) {
    SmallIsZero here;
    for (int d = 0; d < 6; d++) {  // in one direction, no tile at rest is reached from two sides
      for (int n = 0; n < count; n++)
        team.part(id, passes[n].foreign, [&](int i) {
          if (passes[n].direction[i] == d) exchange(box, passes[n], s, i, &beyond[6 * id + d]);
        });
      team.wait();
    }
    team.part(id, box.tiles, [&](int tile) {
      if (s.wake[tile]) s.wake[tile] = renew(box, tile, s.wake_k);
    });
    for (int n = 0; n < count; n++)
      team.part(id, passes[n].own, [&](int i) {
        s.low_c[passes[n].tile[i]] = passes[n].low_c[i];
        settle_tile(box, s, passes[n].tile[i]);
      });
  });
  for (int n = 0; n < 6 * threads; n++) s.beyond[n % 6] += beyond[n];
}

// Lists the faces of `tiles` that lead out of this pass. `where` is the level of each tile of the box, -1 at rest;
// `runs` whether it is stepped in this pass, for good or as a guess.
int list_faces(const Box &box, const int8_t *where, const uint8_t *solid, const uint8_t *runs, const int32_t *tiles,
               int count, int own, int number, int32_t *start, int32_t *their_tile, int32_t *slot, uint8_t *direction,
               uint8_t *kind, uint8_t *live) {
  int n = 0;
  for (int t = 0; t < count; t++) {
    start[t] = n;
    live[t] = 0;
    for (int d = 0; d < 6; d++) {
      const int mine = tiles[t], other = box.beside[6 * (int64_t)mine + d];
      live[t] |= runs[other] << d;
      if (t >= own || !solid[other] || where[other] == number) continue;
      their_tile[n] = other;
      slot[n] = d / 2 * box.tiles + (d % 2 ? mine : other);
      direction[n] = (uint8_t)d;
      kind[n++] = where[other] < 0 ? REST : where[other] < number ? SLOWER : FASTER;
    }
  }
  start[count] = n;
  return n;
}

}  // namespace
}  // namespace iceball

extern "C" {
using namespace iceball;

int iceball_sizes(int which) {
  const int sizes[] = {sizeof(Box), sizeof(Pass), sizeof(Wells), sizeof(Settle)};
  return sizes[which];
}

// Shows what the enthalpy of every tile is, and notes what flows while all is at rest, if anything does.
void iceball_begin(const Box *box, float *rest_flow) {
  for (int t = 0; t < box->tiles; t++)
    for (int r = 0; r < ROWS; r++) {
      const int64_t at = (int64_t)VOXELS * t + TX * r;
      with_matter(*box, at, [&](const auto &m) { show(*box, m, at, load(Own(*box, t).h + TX * r), 0, !(box->row_kind[at / TX] & 2)); });
    }
  for (int t = 0; rest_flow && t < box->tiles - 1; t++) note_rest(*box, rest_flow, t);
}

// One super-step of all levels.
void iceball_step(const Box *box, const Pass *passes, int count, Wells *wells, float step_s, int threads) {
  Step(*box, passes, count, wells, step_s, threads).run();
}

// What the probes do at this moment.
void iceball_wells(const Box *box, Wells *wells) { run_wells(*box, *wells, 0, 0.0, 0.0, true); }

// Which tiles at rest the step would change by more than `far_k`.
void iceball_reach(const Box *box, const Pass *passes, int count, float step_s, float far_k, uint8_t *wake) {
  for (int n = 0; n < count; n++)
    for (int i = 0; i < passes[n].foreign; i++) reach(*box, passes[n], step_s, far_k, i, wake);
}

// The step is taken: both sides of every face agree, and what was reached is noted.
void iceball_accept(const Box *box, const Pass *passes, int count, const Settle *settle, int threads) {
  accept(*box, passes, count, *settle, threads);
}

// The step is not taken.
void iceball_reject(const Box *box, const Pass *passes, int count) {
  for (int n = 0; n < count; n++)
    for (int i = 0; i < passes[n].own; i++) bring_back(*box, passes[n].tile[i]);
}

int iceball_list_faces(const Box *box, const int8_t *where, const uint8_t *solid, const uint8_t *runs,
                       const int32_t *tiles, int count, int own, int number, int32_t *start, int32_t *their_tile,
                       int32_t *slot, uint8_t *direction, uint8_t *kind, uint8_t *live) {
  return list_faces(*box, where, solid, runs, tiles, count, own, number, start, their_tile, slot, direction, kind, live);
}
}
