// What Python hands to the kernel: plain structs of pointers. Mirrored field by field in native/_structs.py.
#pragma once
#include <cstdint>

namespace iceball {

constexpr int TX = 16, TY = 4, TZ = 4;       // voxels of a tile along K, J, I
constexpr int PIECES = 1024, FIRST1 = 256, FIRST2 = 768;  // straight pieces of a material: frozen, mushy, unfrozen
constexpr int ROWS = TY * TZ;

// Flags of a tile.
constexpr uint8_t MIXED = 1, EXTRA = 2, WELL = 4, STASIS = 8, DRY = 16, GUESS = 32;

// One material over its enthalpy. Above `straight` everything is a straight line.
struct Medium {
  float low[3], inverse[3];
  float straight, t0, t1, p0, p1, k;
  float perfusion, metabolic;
};

// The whole box, padded: voxel (i, j, k) lies at ((i + 1) * ny + j + 1) * nx + k + 16.
struct Box {
  int64_t row, plane;                 // distance of neighbours along J and I
  float inverse_h2, arterial_c;
  float *enthalpy, *step, *before, *first;   // Y, Y_j - Y_{j-1}, Y_0, L(Y_0)
  const float *rest;                  // Y before freezing
  float *now_c, *coldest_c;           // temperature now, and the coldest so far
  float *potential[2], *temperature[2], *conductivity[2];
  const uint8_t *label, *faces;       // faces: bits 0-5 neighbour of the same material, bit 6 may change
  const uint8_t *row_kind;            // per 16 voxels: bit 0 one material, bit 1 all faces alike, bit 2 all may change,
                                      // bit 3 two materials, the second of which is
  const uint8_t *row_second;          // this one
  uint8_t *alive;
  const float *given, *per_k, *per_potential;  // dH/dt = given - per_k T - per_potential Θ, in EXTRA tiles
  float *well_heat;                   // dH/dt of the wells, in WELL tiles
  const Medium *media;
  const float *rows;                  // (8, M * PIECES): T, dT, Θ, dΘ, k, dk, unfrozen, its d
  int64_t row_count;                  // M * PIECES
};

// One pass: the tiles of one level through all stages of a super-step.
struct Pass {
  int32_t tiles, stages, foreign, second_order;
  const int64_t *tile;                // offset of each tile's first voxel
  const uint8_t *flags, *tile_label;
  const float *carry, *weight, *back, *again;  // (stages,) coefficients of D, τL, (Y - Y0), τL0
  const double *share, *time;         // (stages,) weight of each stage's rate in the step [s]; its time, 0 to 1
  // where these tiles meet others: faces of tiles, in the order of the tiles; up to 64 pairs of voxels each
  const int32_t *face_start;          // (tiles + 1,)
  const int64_t *their_tile, *slot;   // (foreign,)
  const uint8_t *direction, *kind;    // (foreign,) bit of `faces`; what lies beyond, see below
  const int64_t *offset;              // of every tile of the box
  float *slots;                       // (slots, 64) flux through faces between levels [J/m³/s]
  float *flux;                        // (foreign, 64) enthalpy that came through [J/m³]
  float *rest_flow;                   // (foreign, 64) what goes to a tile at rest while all is at rest [W/m]
  float *low_c;                       // (tiles,) coldest temperature after the last stage, NaN where it is lost
  double *energy;                     // (tiles, 3) perfusion, metabolism, boundary [J/m³, summed over voxels]
};

// What lies beyond a face: a tile at rest, of a slower level (done already), of a faster one (still to be done), or a
// tile that stands still for a guess.
constexpr uint8_t REST = 0, SLOWER = 1, FASTER = 2, STILL = 3;

struct Wells {
  int32_t segments, probes;
  const int64_t *start;               // (segments + 1,) first run of each segment
  const int64_t *run;                 // (runs,) voxel where eight weights begin
  const float *weight;                // (runs, 8)
  const int32_t *probe;
  const double *length_m, *conductance, *resistance, *offset_k;
  const int64_t *mix_start, *material;
  const double *share, *surface;      // surface: (M, surface_nodes) Θ over temperature
  int64_t surface_nodes;
  double coldest_c, surface_step_c, voxel_m3;
  const int32_t *mode;                // (probes,)
  const double *from, *to, *power, *limit, *most;  // (probes,) value at both ends of the step; most heat given [W/m]
  const double *tilt_from, *tilt_to;  // (probes,) how much of offset_k counts
  double *heat;                       // (segments,) last heat per length [W/m]; where the search starts
  double *energy;                     // (probes,) heat into each probe over the step [J]
  double *first_heat, *first_surface; // (probes,) at the start of the step [W], [°C, weighed by length]
};

struct Settle {
  int32_t tiles, clocks;
  const int64_t *tile;
  const uint8_t *flags, *tile_label;
  float *const *clock;                // (clocks,) padded each [s]
  const float *threshold_c;
  float step_s, stasis_c;
  float *low_c, *moved_k;             // (tiles,) coldest, largest change in this step
  uint8_t *new_flags;
};

}  // namespace iceball
