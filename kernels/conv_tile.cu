// conv_tile.cu - host side of conv_tile.cuh: sources, the choice of tiles.
#include "conv_tile.cuh"

#include <algorithm>

namespace ist::cuda {

Source Source::of(const Operand &operand, ConstRows params) {
    Source s;
    s.x = operand.x, s.r = operand.residual;
    s.norm = operand.norm, s.r_norm = operand.residual_norm;
    s.relu = operand.activation == Activation::kRelu;
    s.r_step = operand.residual_step, s.r_first = operand.residual_first;
    s.align(), s.params = params;
    return s;
}

void Source::align() {
    x_alignment = alignment_of(x), r_alignment = alignment_of(r);
    while (r_alignment > 0 && r_first * bytes_of(r.element) % r_alignment != 0) r_alignment = r_alignment == 16 ? 8 : 0;
}

Source Source::of(const OutputGradient &dz, ConstRows params) {
    Source s;
    s.x = dz.dz.g;
    if (dz.dz.corrected) s.r = dz.dz.value;
    s.gradient = true;
    s.norm = dz.scaled_by;
    s.slope = dz.dz.slope, s.offset = dz.dz.offset;
    s.align(), s.params = params;
    return s;
}

void expect_images(const DrawnImages &images, const ConvShape &shape) {
    const ImageBytes &bytes = images.bytes;
    if (!bytes.pixels) return;
    if (!conv_reads_images(shape.kernel, shape.stride) || bytes.height != shape.in_height ||
        bytes.width != shape.in_width || bytes.channels != shape.in_channels)
        throw Error(IST_INTERNAL, "A convolution that reads images is 3x3, of stride 1 and of their shape.");
}

namespace {

constexpr int kMostColumns = 32;
constexpr int kMostParts = 264;           // two blocks per SM of an H200, for one point
constexpr int kMostTileBytes = 56 * 1024; // three or four blocks per SM
constexpr int kMostGroups = 4;

int ceil_div(int a, int b) { return (a + b - 1) / b; }

} // namespace

void Tiling::choose(int most_units, int pixel_bytes, int most_bytes) {
    const auto halo = [&](int n) { return (n - 1) * step + span; };
    columns = ceil_div(width, ceil_div(width, kMostColumns));
    images = std::max(1, std::min(n_images, kMostColumns / columns));
    const auto strips_of = [&] { return ceil_div(images * columns, 16); };
    while (strips_of() > most_units) {
        if (images > 1) images = ceil_div(images, 2);
        else columns = ceil_div(columns, 2);
    }
    const int all_groups = ceil_div(height, kRows);
    row_groups = std::min(all_groups, most_units / strips_of());
    const auto bytes = [&] {
        return int64_t(images) * halo(row_groups * kRows) * halo(columns) * int64_t(pixel_bytes);
    };
    while (bytes() > most_bytes) {
        if (row_groups > 1) row_groups = ceil_div(row_groups, 2);
        else if (images > 1) images = ceil_div(images, 2);
        else if (columns > 1) columns = ceil_div(columns, 2);
        else break;
    }
    row_groups = ceil_div(all_groups, ceil_div(all_groups, row_groups));
    cut();
}

void Tiling::choose_compact(int most_units, int pixel_bytes, int most_bytes) {
    choose(most_units, pixel_bytes, most_bytes);
    const auto cost = [](const Tiling &t) { return int64_t(t.n_tiles) * (t.halo_pixels() + t.units() * kRows * 16); };
    Tiling best = *this;
    const int all_groups = ceil_div(height, kRows);
    for (int across = ceil_div(width, kMostColumns); ceil_div(width, across) >= 8; across *= 2) {
        Tiling t = *this;
        t.columns = ceil_div(width, across);
        for (t.images = 1; t.images <= std::min(n_images, kMostColumns / t.columns); ++t.images)
            for (int down = 1; down <= all_groups; ++down) {
                t.row_groups = ceil_div(all_groups, down);
                t.cut();
                if (t.units() > most_units || int64_t(t.halo_pixels()) * pixel_bytes > most_bytes) continue;
                if (cost(t) < cost(best)) best = t;
            }
    }
    *this = best;
}

void Tiling::cut() {
    rows = row_groups * kRows;
    strips = ceil_div(images * columns, 16);
    tiles_y = ceil_div(height, rows), tiles_x = ceil_div(width, columns);
    n_tiles = ceil_div(n_images, images) * tiles_y * tiles_x;
    by_columns = Division(columns), by_tiles_x = Division(tiles_x), by_tiles_y = Division(tiles_y);
    *this = seen(step, first_y, span);
}

Tiling Tiling::seen(int other_step, int other_first, int other_span) const {
    Tiling t = *this;
    t.step = other_step, t.first_y = t.first_x = other_first, t.span = other_span;
    t.halo_rows = (rows - 1) * t.step + t.span, t.halo_columns = (columns - 1) * t.step + t.span;
    t.by_halo_columns = Division(t.halo_columns), t.by_halo_plane = Division(t.halo_rows * t.halo_columns);
    return t;
}

void Walk::choose(int in_channels, Element of) {
    element = of;
    const int step = 32 / bytes_of(element); // channels
    n_steps = ceil_div(in_channels, step);
    chunks = 2 * (n_steps <= 4 ? n_steps : 2);
    by_chunks = Division(chunks);
    const int slices = ceil_div(outputs, 16);
    log_groups = 0;
    while ((1 << log_groups) < std::min(slices, kMostGroups)) ++log_groups;
    n_groups = ceil_div(slices, 1 << log_groups);
    const int workers = kConvWarps >> log_groups;
    tiling.choose(n_steps <= 4 ? 2 * workers : workers, pixel_pitch(chunks), kMostTileBytes);
    parts = std::min(tiling.n_tiles, kMostParts);
    coefficient_channels = ceil_div(in_channels, 16) * 16;
}

size_t Walk::shared_bytes() const {
    return size_t(coefficient_floats(coefficient_channels) + kConvWarps * 16 * kConvMoments) * sizeof(float) +
           size_t(tiling.halo_pixels()) * size_t(pixel_pitch(chunks));
}

} // namespace ist::cuda
