// What Python hands to the kernel: plain structs of pointers. Mirrored field by field in native/_structs.py.
#pragma once
#include <cstdint>

namespace iceball {

constexpr int TX = 16, TY = 4, TZ = 4;       // voxels of a tile along K, J, I
constexpr int ROWS = TY * TZ, VOXELS = TX * ROWS;
constexpr int PIECES = 1024, FIRST1 = 256, FIRST2 = 768;  // straight pieces of a material: frozen, mushy, unfrozen

// Flags of a tile.
constexpr uint8_t MIXED = 1, EXTRA = 2, WELL = 4, STASIS = 8, DRY = 16;

// One material over its enthalpy. Above `straight` everything is a straight line.
struct Medium {
  float low[3], inverse[3];
  float straight, t0, t1, p0, p1, k;
  float perfusion, metabolic;
};

// A material whose curves are smooth enough for polynomials, in one variable that runs from -1 to 1 through a range:
// nothing is looked up then. Fitted by media.py; `good` is 0 where the tables must serve.
constexpr int COLD_TERMS = 11, MUSHY_TERMS = 5;
struct Smooth {
  float good, thaws, straight;        // whether it is; where it begins to thaw, and has thawed
  float middle, scale, slope;         // of the frozen range, and the straight line below it
  float mushy_middle, mushy_scale;
  float cold[COLD_TERMS], mushy[MUSHY_TERMS];           // potential
  float blood[MUSHY_TERMS], unfrozen[MUSHY_TERMS];      // unfrozen fraction times what blood is warmer; that fraction
};

// The whole box by tiles: voxel r, l of tile t lies at VOXELS t + TX r + l, row r = TY z + y. One more tile stands for
// all that lies outside.
struct Box {
  int32_t tiles, materials;
  float inverse_h2, arterial_c;
  float *own;                         // (tiles, 4, VOXELS): Y, Y_j - Y_{j-1}, Y_0, L(Y_0): enthalpy [J/m³], its rate
  float *potential[2], *temperature[2], *conductivity[2];  // what neighbours see, in two buffers
  const float *rest;                  // Y before freezing
  float *now_c, *fresh_c, *coldest_c; // temperature, that after this step (they change places), the coldest so far
  const uint8_t *label, *faces;       // faces: bits 0-5 neighbour of the same material, bit 6 may change
  const uint8_t *row_kind;            // (tiles, ROWS): bit 0 one material, bit 1 all faces alike, bit 2 all may change
  const uint8_t *row_unlike;          // (tiles, ROWS) bit d: some voxel's neighbour in direction d is of another material
  uint8_t *alive;
  const uint8_t *tile_label;          // (tiles,) the material of a tile that is not MIXED
  uint8_t *flags;                     // (tiles,)
  const int32_t *beside;              // (tiles, 6)
  const float *given, *per_k, *per_potential;  // dH/dt = given - per_k T - per_potential Θ, in EXTRA tiles
  float *well_heat;                   // dH/dt of the wells, in WELL tiles
  const float *rest_flow;             // (slots, VOXELS / 4) what goes through the faces of tiles at rest [W/m]
  float *trend;                       // (tiles, VOXELS) mean rate of temperature over the last step [K/s]
  float *slots;                       // (slots, VOXELS / 4) flux through faces between levels [J/m³/s]
  const Medium *media;                // (materials,) the last one inert
  const float *few;                   // (14, 16) the same by field, where there are no more than 16 materials
  const Smooth *smooth;               // (materials,)
  const float *curves;                // (4, materials * PIECES, 2): T, Θ, k, unfrozen fraction; each with its step
};

// One pass: the tiles of one level through all stages of a super-step.
struct Pass {
  int32_t tiles, own, stages, foreign;
  int32_t second_order, with_wells;
  int32_t thawed;                     // nothing freezes in this pass but what guesses
  int32_t *tile;                      // (tiles,) those from `own` on belong to a faster level and only guess
  uint8_t *live;                      // (tiles,) bit d: the neighbour in direction d is stepped in this pass as well
  const float *carry, *weight, *back, *again;  // (stages,) coefficients of D, τL, (Y - Y0), τL0
  const double *share, *time;         // (stages,) weight of each stage's rate in the step [s]; its time, 0 to 1
  // where these tiles meet others: faces in the order of the tiles
  int32_t *face_start;                // (tiles + 1,)
  int32_t *their_tile, *slot;         // (foreign,)
  uint8_t *direction, *kind;          // (foreign,) bit of `faces`; what lies beyond, see below
  float *flux;                        // (foreign, VOXELS / 4) enthalpy that came through [J/m³]
  float *low_c;                       // (tiles,) coldest temperature after the last stage, NaN where it is lost
  float band_c[2];                    // where the step's error is looked for [°C]
  float *off;                         // (tiles, 3) over the band: second difference², slope² per voxel [K²], voxels
  double *energy;                     // (tiles, 3) perfusion, metabolism, boundary [J/m³, summed over voxels]
};

// What lies beyond a face: a tile at rest, of a slower level (done already), or of a faster one (still to be done).
constexpr uint8_t REST = 0, SLOWER = 1, FASTER = 2;

struct Wells {
  int32_t segments, probes;
  const int64_t *start;               // (segments + 1,) first run of each segment
  const int64_t *run;                 // (runs,) first voxel of a row
  const float *weight;                // (runs, TX)
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

// What is done once a step is accepted.
struct Settle {
  int32_t clocks;
  float step_s, wake_k, stasis_c;
  float *const *clock;                // (clocks,) (tiles, VOXELS) each [s]
  const float *threshold_c;
  float *low_c, *moved_k;             // (tiles of the box,) coldest, largest change in this step
  uint8_t *wake;                      // (tiles of the box,) tiles at rest that have been reached
  double *beyond;                     // (6,) what came from beyond, by direction [J/m³, summed over voxels]
};

}  // namespace iceball
