// The stages of super-time-stepping on tiles: one fused sweep and one barrier per stage.
// Nothing here decides physics: the equation is that of _numpy.py, which every backend is tested against.
#include <cmath>
#include <utility>

#include "faces.hpp"
#include "team.hpp"
#include "wells.hpp"

namespace iceball {
namespace {

// Temperatures at the end of a pass; the coldest, NaN where one is lost, or froze although it was taken for `thawed`.
float finish(const Box &box, int tile, bool thawed) {
  vf low = all(1e9f), bad{};
  const float *h = Own(box, tile).h;
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = (int64_t)VOXELS * tile + TX * r;
    const vf row = load(h + TX * r);
    const vf now = with_matter(box, at, [&](const auto &m) { return temperature_of(box, m, row); });
    store(box.fresh_c + at, now);
    low = smaller(now, low);
    bad += row - row;  // zero, or NaN
    if (thawed && any_less(row, all(box.media[box.tile_label[tile]].straight))) bad += all(NAN);
  }
  float least = low[0];
  for (int l = 1; l < TX; l++) least = low[l] < least ? low[l] : least;
  return least + sum(bad);
}

// How far the end of a pass is from what the last step foresaw, and how steep the temperature is: control.py makes
// millimetres of it. Slopes are taken within the tile.
void look(const Box &box, const Pass &p, int tile, float step_s, float *off) {
  const vi last{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1};
  const float *fresh = box.fresh_c + (int64_t)VOXELS * tile;
  vf bends{}, slopes{}, counts{};
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = (int64_t)VOXELS * tile + TX * r;
    const vf t = load(fresh + TX * r);
    const vi inside = (t > all(p.band_c[0])) & (t < all(p.band_c[1]));
    if (!any(inside)) continue;
    const int y = r % TY, z = r / TY;
    const vf bend = t - load(box.now_c + at) - all(step_s) * load(box.trend + at);
    const vf along = choose(last, t - shift_up(t, t), shift_down(t, t) - t);
    const vf across = load(fresh + TX * (y < TY - 1 ? r + 1 : r - 1)) - t;
    const vf over = load(fresh + TX * (z < TZ - 1 ? r + TY : r - TY)) - t;
    bends += choose(inside, bend * bend, vf{});
    slopes += choose(inside, along * along + across * across + over * over, vf{});
    counts += choose(inside, all(1.0f), vf{});
  }
  off[0] = sum(bends), off[1] = sum(slopes), off[2] = sum(counts);
}

// Makes `enthalpy` (VOXELS,) that of a tile, and shows it to its neighbours.
void show_tile(const Box &box, int tile, const float *enthalpy) {
  float *own = Own(box, tile).h;
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = (int64_t)VOXELS * tile + TX * r;
    const vf h = load(enthalpy + TX * r);
    store(own + TX * r, h);
    with_matter(box, at, [&](const auto &m) { show(box, m, at, h, 0, !(box.row_kind[at / TX] & 2)); });
  }
}

// Back to what a tile was before the step.
void bring_back(const Box &box, int tile) { show_tile(box, tile, Own(box, tile).before); }

// Which tiles at rest a step would change by more than `far_k`.
struct Reach {
  float far_k;
  uint8_t *wake;  // (tiles,)
};

// All levels through one super-step, the slowest first.
class Step {
 public:
  Step(const Box &box, const Pass *passes, int count, Wells *wells, const Reach &reach, float step_s, int threads)
      : box_(box), passes_(passes), count_(count), wells_(wells), reach_(reach), step_s_(step_s), team_(threads) {}

  // Says whether a tile at rest has been reached.
  bool run() {
    team_.run([this](int id) {
      SmallIsZero here;
      for (int n = 0; n < count_; n++) pass(passes_[n], id);
    });
    return reached_.load();
  }

 private:
  void pass(const Pass &p, int id) {
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
    team_.part(id, p.foreign, [&](int n) {
      hand_over(box_, p, step_s_, n);
      if (reaches(box_, p, step_s_, reach_.far_k, n)) reached(p.their_tile[n]);
    });
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
    const bool last = j + 1 == p.stages;
    const bool thawed = p.thawed && !guess && !(flags & (MIXED | STASIS | WELL));
    if (thawed)
      thawed_tile(box_, s, tile, p.live[i], last, sums);
    else if (flags & MIXED)
      mixed_tile(box_, s, tile, flags, p.live[i], guess, through, sums);
    else
      pure_tile(box_, s, tile, flags, p.live[i], guess, through, sums);
    double *energy = p.energy + 3 * (int64_t)i;
    if (j == 0) energy[0] = energy[1] = energy[2] = 0;
    if (!(flags & DRY)) {
      energy[0] += p.share[j] * sum(sums.blood);
      energy[1] += p.share[j] * sum(sums.cells);
    }
    if (flags & MIXED) energy[2] += p.share[j] * sum(sums.boundary);
    if (last && !guess) {
      float *off = p.off + 3 * (int64_t)i;
      p.low_c[i] = finish(box_, tile, thawed);
      off[0] = off[1] = off[2] = 0;
      if (p.low_c[i] < p.band_c[1]) look(box_, p, tile, step_s_, off);
    }
  }

  void reached(int tile) {
    __atomic_store_n(reach_.wake + tile, 1, __ATOMIC_RELAXED);  // by whoever comes: it is the same
    reached_.store(true, std::memory_order_relaxed);
  }

  const Box &box_;
  const Pass *passes_;
  int count_;
  Wells *wells_;
  Reach reach_;
  float step_s_;
  Team team_;
  std::atomic<bool> reached_{false};
  alignas(64) std::atomic<int> wells_done_{0};
};

constexpr float TREND_BELOW_C = 20.0f;  // what is warmer is not looked at in the next step, see control.py

// Take note of the temperatures that a tile has reached. They are not copied: fresh_c is now_c from here on.
void settle_tile(const Box &box, const Settle &s, int tile) {
  vf moved{};
  bool stasis = false;
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = (int64_t)VOXELS * tile + TX * r;
    const vf was = load(box.now_c + at), now = load(box.fresh_c + at), before = load(box.coldest_c + at);
    moved = larger(moved, size_of(now - was));
    if (any_less(now, all(TREND_BELOW_C))) store(box.trend + at, (now - was) * all(1.0f / s.step_s));
    const vf lowest = smaller(before, now);
    if (any_less(now, before)) store(box.coldest_c + at, lowest);
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

// Takes a step: one sweep of all threads, in which none needs what another does.
class Accept {
 public:
  Accept(const Box &box, const Pass *passes, int count, const Settle &settle, int threads)
      : box_(box), passes_(passes), count_(count), settle_(settle), threads_(threads), team_(threads),
        beyond_(6 * threads, 0.0) {}

  // Says whether a tile at rest is to be stepped from now on.
  bool run() {
    for (int n = 0; n < count_; n++) own_ += passes_[n].own;
    for (int id = 0; id < threads_; id++) team_.open(id, 0, own_);
    team_.run([this](int id) {
      SmallIsZero here;
      rest(id);
      team_.take(id, 0, [&](int i) { own(i); });
    });
    for (size_t n = 0; n < beyond_.size(); n++) settle_.beyond[n % 6] += beyond_[n];
    return woken_.load();
  }

 private:
  static constexpr int BAND = 8;  // tiles that lie together go to one thread

  // The tiles at rest of one thread: all that comes to one of them comes in the same order however many threads there are.
  void rest(int id) {
    std::vector<std::pair<int, int>> faces[6];
    for (int n = 0; n < count_; n++)
      for (int i = 0; i < passes_[n].foreign; i++)
        if (passes_[n].kind[i] == REST && passes_[n].their_tile[i] / BAND % threads_ == id)
          faces[passes_[n].direction[i]].push_back({n, i});
    std::vector<int> changed;
    for (int d = 0; d < 6; d++)
      for (const auto &[n, i] : faces[d]) {
        const int tile = passes_[n].their_tile[i];
        if (!exchange(box_, passes_[n], settle_.step_s, i, &beyond_[6 * id + d]) || settle_.wake[tile]) continue;
        settle_.wake[tile] = 1;
        changed.push_back(tile);
      }
    for (int tile : changed) {
      settle_.wake[tile] = renew(box_, tile, settle_.wake_k);
      if (settle_.wake[tile]) woken_.store(true, std::memory_order_relaxed);
    }
  }

  // Tile i of those that were stepped, through all levels.
  void own(int i) {
    const Pass *p = passes_;
    for (; i >= p->own; p++) i -= p->own;
    settle_.low_c[p->tile[i]] = p->low_c[i];
    settle_tile(box_, settle_, p->tile[i]);
  }

  const Box &box_;
  const Pass *passes_;
  int count_;
  const Settle &settle_;
  int threads_, own_ = 0;
  Team team_;
  std::vector<double> beyond_;
  std::atomic<bool> woken_{false};
};

// Lists the tiles of level `number` and those of faster levels beside them, which guess, in a pass. `where` is the level
// of each tile of the box, -1 at rest.
void list_tiles(const Box &box, const int8_t *where, int number, std::vector<uint8_t> &runs, Pass &p) {
  const int tiles = box.tiles - 1;  // without the one that stands for all that lies outside
  int n = 0;
  for (int wells = 0; wells < 2; wells++)  // those with wells come last
    for (int t = 0; t < tiles; t++)
      if (where[t] == number && !(box.flags[t] & WELL) == !wells) p.tile[n++] = t, runs[t] = 1;
  p.own = n;
  p.with_wells = n && box.flags[p.tile[n - 1]] & WELL;
  for (int i = 0; i < p.own; i++)
    for (int d = 0; d < 6; d++) {
      const int other = box.beside[6 * (int64_t)p.tile[i] + d];
      if (other < tiles && where[other] > number) runs[other] = 2;
    }
  for (int t = 0; t < tiles; t++)
    if (runs[t] == 2) p.tile[n++] = t;
  p.tiles = n;
}

// Lists the faces of the tiles of a pass that lead out of it.
void list_faces(const Box &box, const int8_t *where, const uint8_t *solid, int number, const std::vector<uint8_t> &runs,
                Pass &p) {
  int n = 0;
  for (int i = 0; i < p.tiles; i++) {
    p.face_start[i] = n;
    p.live[i] = 0;
    for (int d = 0; d < 6; d++) {
      const int mine = p.tile[i], other = box.beside[6 * (int64_t)mine + d];
      p.live[i] |= (runs[other] != 0) << d;
      if (i >= p.own || !solid[other] || where[other] == number) continue;
      p.their_tile[n] = other;
      p.slot[n] = d / 2 * box.tiles + (d % 2 ? mine : other);
      p.direction[n] = (uint8_t)d;
      p.kind[n++] = where[other] < 0 ? REST : where[other] < number ? SLOWER : FASTER;
    }
  }
  p.face_start[p.tiles] = p.foreign = n;
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
void iceball_begin(const Box *box, float *rest_flow, int threads) {
  Team team(threads);
  team.run([&](int id) {
    team.part(id, box->tiles, [&](int tile) { show_tile(*box, tile, Own(*box, tile).h); });
    team.wait();
    if (rest_flow) team.part(id, box->tiles - 1, [&](int tile) { note_rest(*box, rest_flow, tile); });
  });
}

// One super-step of all levels; marks in `wake` the tiles at rest that it would change by more than `far_k`, and says
// whether there are any.
int iceball_step(const Box *box, const Pass *passes, int count, Wells *wells, float step_s, float far_k, uint8_t *wake,
                 int threads) {
  return Step(*box, passes, count, wells, {far_k, wake}, step_s, threads).run();
}

// What the probes do at this moment.
void iceball_wells(const Box *box, Wells *wells) { run_wells(*box, *wells, 0, 0.0, 0.0, true); }

// The step is taken: both sides of every face agree, and what was reached is noted. Says whether a tile has woken.
int iceball_accept(const Box *box, const Pass *passes, int count, const Settle *settle, int threads) {
  return Accept(*box, passes, count, *settle, threads).run();
}

// The step is not taken.
void iceball_reject(const Box *box, const Pass *passes, int count) {
  for (int n = 0; n < count; n++)
    for (int i = 0; i < passes[n].own; i++) bring_back(*box, passes[n].tile[i]);
}

// Fills in the lists of a pass: the tiles of level `number`, and their faces.
void iceball_list(const Box *box, Pass *pass, const int8_t *where, const uint8_t *solid, int number) {
  std::vector<uint8_t> runs(box->tiles, 0);
  list_tiles(*box, where, number, runs, *pass);
  list_faces(*box, where, solid, number, runs, *pass);
}
}
