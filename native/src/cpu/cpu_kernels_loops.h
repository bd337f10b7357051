// cpu_kernels_loops.h - the loops behind cpu_kernels.h, written once over a small vector type and compiled per
// instruction set by cpu_kernels_<isa>.cpp, which defines IST_ISA (a namespace name) and the vector operations below.
//
// Every loop walks one block of kLanes channels down all rows with the per-channel constants in registers, so that a
// slice is read and written once in whole vectors. The last block is partial when channels % kLanes != 0.

namespace ist::cpu::IST_ISA {

// Calls body(channel, Full{} or Part{count}) for each block of channels.
struct Full {
    static constexpr bool full = true;
    int count = kLanes;
};
struct Part {
    static constexpr bool full = false;
    int count;
};
template <class Body> inline void channel_blocks(int channels, Body body) {
    int c = 0;
    for (; c + kLanes <= channels; c += kLanes) body(c, Full{});
    if (c < channels) body(c, Part{channels - c});
}
template <class T, class B> inline V load(const T *p, B block) {
    if constexpr (B::full) return load_full(p);
    else return load_part(p, block.count);
}
template <class T, class B> inline void store(T *p, V v, B block) {
    if constexpr (B::full) store_full(p, v);
    else store_part(p, v, block.count);
}
template <class B> inline void add_to(double *dst, V v, B block) {
    float lanes[kLanes];
    store_full(lanes, v);
    for (int i = 0; i < block.count; i++) dst[i] += lanes[i];
}

template <class T> void to_float(float *dst, const void *src, int64_t n) {
    const T *s = static_cast<const T *>(src);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store_full(dst + i, load_full(s + i));
    if (i < n) store_part(dst + i, load_part(s + i, int(n - i)), int(n - i));
}

template <class T> void from_float(void *dst, const float *src, int64_t n) {
    T *d = static_cast<T *>(dst);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store_full(d + i, load_full(src + i));
    if (i < n) store_part(d + i, load_part(src + i, int(n - i)), int(n - i));
}

template <class T> void copy(Slice dst, ConstSlice src, int64_t rows, int channels) {
    channel_blocks(channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dst.data) + c;
        const T *s = static_cast<const T *>(src.data) + c;
        for (int64_t r = 0; r < rows; r++, d += dst.pitch, s += src.pitch) store(d, load(s, block), block);
    });
}

template <class T> void add(Slice dst, ConstSlice src, int64_t rows, int channels) {
    channel_blocks(channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dst.data) + c;
        const T *s = static_cast<const T *>(src.data) + c;
        for (int64_t r = 0; r < rows; r++, d += dst.pitch, s += src.pitch)
            store(d, load(d, block) + load(s, block), block);
    });
}

template <class T> void zero(Slice dst, int64_t rows, int channels) {
    channel_blocks(channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dst.data) + c;
        for (int64_t r = 0; r < rows; r++, d += dst.pitch) store(d, broadcast(0.f), block);
    });
}

template <class T>
void statistics(ConstSlice x, int64_t rows, int channels, const float *shift, double *sum, double *square) {
    channel_blocks(channels, [&](int c, auto block) {
        const T *p = static_cast<const T *>(x.data) + c;
        const V offset = load(shift + c, block);
        for (int64_t begin = 0; begin < rows; begin += kSumRows) {
            const int64_t n = rows - begin < kSumRows ? rows - begin : kSumRows;
            V s0 = broadcast(0.f), s1 = s0, s2 = s0, s3 = s0, q0 = s0, q1 = s0, q2 = s0, q3 = s0;
            int64_t r = 0;
            for (; r + 4 <= n; r += 4, p += 4 * x.pitch) {
                const V a = load(p, block) - offset, b = load(p + x.pitch, block) - offset;
                const V e = load(p + 2 * x.pitch, block) - offset, f = load(p + 3 * x.pitch, block) - offset;
                s0 = s0 + a, s1 = s1 + b, s2 = s2 + e, s3 = s3 + f;
                q0 = fma(a, a, q0), q1 = fma(b, b, q1), q2 = fma(e, e, q2), q3 = fma(f, f, q3);
            }
            for (; r < n; r++, p += x.pitch) {
                const V a = load(p, block) - offset;
                s0 = s0 + a, q0 = fma(a, a, q0);
            }
            add_to(sum + c, (s0 + s1) + (s2 + s3), block);
            add_to(square + c, (q0 + q1) + (q2 + q3), block);
        }
    });
}

template <class T> void channel_sums(ConstSlice x, int64_t rows, int channels, double *sum) {
    channel_blocks(channels, [&](int c, auto block) {
        const T *p = static_cast<const T *>(x.data) + c;
        for (int64_t begin = 0; begin < rows; begin += kSumRows) {
            const int64_t n = rows - begin < kSumRows ? rows - begin : kSumRows;
            V s = broadcast(0.f);
            for (int64_t r = 0; r < n; r++, p += x.pitch) s = s + load(p, block);
            add_to(sum + c, s, block);
        }
    });
}

template <Activation kAct> inline V activate(V v) {
    if constexpr (kAct == Activation::kRelu) return max(broadcast(0.f), v); // NaN stays NaN
    if constexpr (kAct == Activation::kTanh || kAct == Activation::kSigmoid) {
        float lanes[kLanes];
        store_full(lanes, v);
        for (float &x : lanes) x = kAct == Activation::kTanh ? std::tanh(x) : 1.f / (1.f + std::exp(-x));
        return load_full(lanes);
    }
    return v;
}

// dy * act'(.), the derivative expressed by the output y
template <Activation kAct> inline V activate_backward(V dy, V y) {
    if constexpr (kAct == Activation::kRelu) return keep_positive(dy, y);
    if constexpr (kAct == Activation::kTanh) return dy * (broadcast(1.f) - y * y);
    if constexpr (kAct == Activation::kSigmoid) return dy * (y * (broadcast(1.f) - y));
    return dy;
}

template <class Body> inline void with_activation(Activation activation, Body body) {
    switch (activation) {
    case Activation::kNone: return body(std::integral_constant<Activation, Activation::kNone>{});
    case Activation::kRelu: return body(std::integral_constant<Activation, Activation::kRelu>{});
    case Activation::kTanh: return body(std::integral_constant<Activation, Activation::kTanh>{});
    case Activation::kSigmoid: return body(std::integral_constant<Activation, Activation::kSigmoid>{});
    }
}

template <class T>
void affine(Slice dst, ConstSlice src, ConstSlice residual, int64_t rows, int channels, const float *scale,
            const float *shift, Activation activation) {
    with_activation(activation, [&](auto act) {
        channel_blocks(channels, [&](int c, auto block) {
            T *d = static_cast<T *>(dst.data) + c;
            const T *s = static_cast<const T *>(src.data) + c;
            const V a = scale ? load(scale + c, block) : broadcast(1.f);
            const V b = shift ? load(shift + c, block) : broadcast(0.f);
            if (residual.data) {
                const T *p = static_cast<const T *>(residual.data) + c;
                for (int64_t r = 0; r < rows; r++, d += dst.pitch, s += src.pitch, p += residual.pitch)
                    store(d, activate<decltype(act)::value>(fma(a, load(s, block), b) + load(p, block)), block);
            } else {
                for (int64_t r = 0; r < rows; r++, d += dst.pitch, s += src.pitch)
                    store(d, activate<decltype(act)::value>(fma(a, load(s, block), b)), block);
            }
        });
    });
}

template <class T, Activation kAct, bool kSums, bool kG, bool kResidual>
void affine_backward_loop(Slice g, bool g_add, Slice residual_g, bool residual_add, ConstSlice dy, ConstSlice y,
                          ConstSlice src, int64_t rows, int channels, const float *gamma, const float *mean,
                          double *dbeta, double *dgamma) {
    channel_blocks(channels, [&](int c, auto block) {
        const T *pdy = static_cast<const T *>(dy.data) + c;
        const T *py = static_cast<const T *>(y.data) + c;
        const T *ps = static_cast<const T *>(src.data) + c;
        T *pg = static_cast<T *>(g.data) + c;
        T *pr = static_cast<T *>(residual_g.data) + c;
        const V scale = gamma ? load(gamma + c, block) : broadcast(1.f);
        const V centre = kSums ? load(mean + c, block) : broadcast(0.f);
        for (int64_t begin = 0; begin < rows; begin += kSumRows) {
            const int64_t n = rows - begin < kSumRows ? rows - begin : kSumRows;
            V s[2] = {broadcast(0.f), broadcast(0.f)}, q[2] = {s[0], s[0]};
            auto row = [&](int lane) {
                V t = load(pdy, block);
                if constexpr (kAct != Activation::kNone) t = activate_backward<kAct>(t, load(py, block));
                if constexpr (kSums) {
                    s[lane] = s[lane] + t;
                    q[lane] = fma(t, load(ps, block) - centre, q[lane]);
                    ps += src.pitch;
                }
                if constexpr (kG) {
                    V out = scale * t;
                    if (g_add) out = out + load(pg, block);
                    store(pg, out, block);
                    pg += g.pitch;
                }
                if constexpr (kResidual) {
                    store(pr, residual_add ? t + load(pr, block) : t, block);
                    pr += residual_g.pitch;
                }
                pdy += dy.pitch;
                py += y.pitch;
            };
            int64_t r = 0;
            for (; r + 2 <= n; r += 2) row(0), row(1);
            if (r < n) row(0);
            if constexpr (kSums) {
                add_to(dbeta + c, s[0] + s[1], block);
                add_to(dgamma + c, q[0] + q[1], block);
            }
        }
    });
}

template <class T>
void affine_backward(Slice g, bool g_add, Slice residual_g, bool residual_add, ConstSlice dy, ConstSlice y,
                     ConstSlice src, int64_t rows, int channels, const float *gamma, const float *mean,
                     Activation activation, double *dbeta, double *dgamma) {
    with_activation(activation, [&](auto act) {
        constexpr Activation kAct = decltype(act)::value;
        auto run = [&](auto sums, auto has_g, auto has_residual) {
            affine_backward_loop<T, kAct, decltype(sums)::value, decltype(has_g)::value, decltype(has_residual)::value>(
                g, g_add, residual_g, residual_add, dy, y, src, rows, channels, gamma, mean, dbeta, dgamma);
        };
        auto with = [](bool condition, auto body) {
            if (condition) body(std::true_type{});
            else body(std::false_type{});
        };
        with(dbeta != nullptr, [&](auto sums) {
            with(g.data != nullptr, [&](auto has_g) {
                with(residual_g.data != nullptr, [&](auto has_residual) { run(sums, has_g, has_residual); });
            });
        });
    });
}

// The gradient of a value is a channel range of its storage's: a few bytes every few hundred, from beyond L2.
template <class T>
void correct(Slice dst, ConstSlice g, ConstSlice x, int64_t rows, int channels, const float *slope,
             const float *offset) {
    constexpr int64_t kAhead = 16; // rows
    channel_blocks(channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dst.data) + c;
        const T *pg = static_cast<const T *>(g.data) + c;
        const T *px = static_cast<const T *>(x.data) + c;
        const V a = load(slope + c, block), b = load(offset + c, block);
        for (int64_t r = 0; r < rows; r++, d += dst.pitch, pg += g.pitch, px += x.pitch) {
            __builtin_prefetch(pg + kAhead * g.pitch);
            __builtin_prefetch(px + kAhead * x.pitch);
            store(d, load(pg, block) + fma(a, load(px, block), b), block);
        }
    });
}

// Calls body(pixel of the small side, pixel of the large side's window corner) for every window.
template <class Body> inline void windows(Spatial in, int window, Body body) {
    const int oh = in.height / window, ow = in.width / window;
    for (int64_t n = 0; n < in.n; n++)
        for (int y = 0; y < oh; y++)
            for (int x = 0; x < ow; x++)
                body((n * oh + y) * ow + x, (n * in.height + int64_t(y) * window) * in.width + int64_t(x) * window);
}

template <class T> void avg_pool(Slice dst, ConstSlice src, Spatial in, int window, int channels) {
    const V factor = broadcast(1.f / float(window * window));
    channel_blocks(channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dst.data) + c;
        const T *s = static_cast<const T *>(src.data) + c;
        windows(in, window, [&](int64_t small, int64_t corner) {
            V sum = broadcast(0.f);
            for (int ky = 0; ky < window; ky++)
                for (int kx = 0; kx < window; kx++)
                    sum = sum + load(s + (corner + int64_t(ky) * in.width + kx) * src.pitch, block);
            store(d + small * dst.pitch, sum * factor, block);
        });
    });
}

// Pixels that no window covers (odd sizes) get zero when the gradient is written, nothing when it is added to.
template <class T> inline void zero_uncovered(Slice dsrc, bool add, Spatial in, int window, int channels) {
    if (!add && (in.height % window != 0 || in.width % window != 0))
        zero<T>(dsrc, in.n * in.height * in.width, channels);
}

template <class T> void avg_pool_backward(Slice dsrc, bool add, ConstSlice ddst, Spatial in, int window, int channels) {
    const V factor = broadcast(1.f / float(window * window));
    zero_uncovered<T>(dsrc, add, in, window, channels);
    channel_blocks(channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dsrc.data) + c;
        const T *s = static_cast<const T *>(ddst.data) + c;
        windows(in, window, [&](int64_t small, int64_t corner) {
            const V v = load(s + small * ddst.pitch, block) * factor;
            for (int ky = 0; ky < window; ky++)
                for (int kx = 0; kx < window; kx++) {
                    T *p = d + (corner + int64_t(ky) * in.width + kx) * dsrc.pitch;
                    store(p, add ? load(p, block) + v : v, block);
                }
        });
    });
}

template <class T> void max_pool(Slice dst, ConstSlice src, Spatial in, int window, int channels) {
    channel_blocks(channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dst.data) + c;
        const T *s = static_cast<const T *>(src.data) + c;
        windows(in, window, [&](int64_t small, int64_t corner) {
            V best = load(s + corner * src.pitch, block);
            for (int ky = 0; ky < window; ky++)
                for (int kx = 0; kx < window; kx++)
                    best = max(best, load(s + (corner + int64_t(ky) * in.width + kx) * src.pitch, block));
            store(d + small * dst.pitch, best, block);
        });
    });
}

// The first maximum in row-major order takes the gradient; scalar, because the choice is per channel.
template <class T>
void max_pool_backward(Slice dsrc, bool add, ConstSlice ddst, ConstSlice src, Spatial in, int window, int channels) {
    T *d = static_cast<T *>(dsrc.data);
    const T *g = static_cast<const T *>(ddst.data);
    const T *s = static_cast<const T *>(src.data);
    if (!add) zero<T>(dsrc, in.n * in.height * in.width, channels);
    windows(in, window, [&](int64_t small, int64_t corner) {
        for (int c = 0; c < channels; c++) {
            int64_t best = corner;
            float top = to_scalar(s[corner * src.pitch + c]);
            for (int ky = 0; ky < window; ky++)
                for (int kx = 0; kx < window; kx++) {
                    const int64_t at = corner + int64_t(ky) * in.width + kx;
                    const float v = to_scalar(s[at * src.pitch + c]);
                    if (v > top) top = v, best = at;
                }
            T &out = d[best * dsrc.pitch + c];
            out = from_scalar<T>(to_scalar(out) + to_scalar(g[small * ddst.pitch + c]));
        }
    });
}

template <class T>
void pad_shortcut(Slice dst, ConstSlice src, Spatial in, int stride, int src_channels, int dst_channels) {
    const int oh = (in.height + stride - 1) / stride, ow = (in.width + stride - 1) / stride;
    const int before = (dst_channels - src_channels) / 2;
    zero<T>(dst, in.n * oh * ow, dst_channels);
    channel_blocks(src_channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dst.data) + before + c;
        const T *s = static_cast<const T *>(src.data) + c;
        for (int64_t n = 0; n < in.n; n++)
            for (int y = 0; y < oh; y++)
                for (int x = 0; x < ow; x++, d += dst.pitch)
                    store(d, load(s + ((n * in.height + y * stride) * in.width + x * stride) * src.pitch, block),
                          block);
    });
}

template <class T>
void pad_shortcut_backward(Slice dsrc, bool add, ConstSlice ddst, Spatial in, int stride, int src_channels,
                           int dst_channels) {
    const int oh = (in.height + stride - 1) / stride, ow = (in.width + stride - 1) / stride;
    const int before = (dst_channels - src_channels) / 2;
    if (!add) zero<T>(dsrc, in.n * in.height * in.width, src_channels);
    channel_blocks(src_channels, [&](int c, auto block) {
        const T *g = static_cast<const T *>(ddst.data) + before + c;
        T *d = static_cast<T *>(dsrc.data) + c;
        for (int64_t n = 0; n < in.n; n++)
            for (int y = 0; y < oh; y++)
                for (int x = 0; x < ow; x++, g += ddst.pitch) {
                    T *p = d + ((n * in.height + y * stride) * in.width + x * stride) * dsrc.pitch;
                    store(p, load(p, block) + load(g, block), block);
                }
    });
}

template <class T> void global_avg_pool(float *dst, ConstSlice src, Spatial in, int channels) {
    const int64_t pixels = int64_t(in.height) * in.width;
    const V factor = broadcast(1.f / float(pixels));
    channel_blocks(channels, [&](int c, auto block) {
        const T *s = static_cast<const T *>(src.data) + c;
        for (int64_t n = 0; n < in.n; n++) {
            V sum = broadcast(0.f);
            for (int64_t r = 0; r < pixels; r++, s += src.pitch) sum = sum + load(s, block);
            store(dst + n * channels + c, sum * factor, block);
        }
    });
}

template <class T> void global_avg_pool_backward(Slice dsrc, bool add, const float *ddst, Spatial in, int channels) {
    const int64_t pixels = int64_t(in.height) * in.width;
    const V factor = broadcast(1.f / float(pixels));
    channel_blocks(channels, [&](int c, auto block) {
        T *d = static_cast<T *>(dsrc.data) + c;
        for (int64_t n = 0; n < in.n; n++) {
            const V v = load(ddst + n * channels + c, block) * factor;
            for (int64_t r = 0; r < pixels; r++, d += dsrc.pitch) store(d, add ? load(d, block) + v : v, block);
        }
    });
}

template <class T> CpuKernels make_kernels(const char *name) {
    CpuKernels k{};
    k.name = name;
    k.element_size = sizeof(T);
    k.to_float = to_float<T>;
    k.from_float = from_float<T>;
    k.copy = copy<T>;
    k.add = add<T>;
    k.zero = zero<T>;
    k.statistics = statistics<T>;
    k.channel_sums = channel_sums<T>;
    k.affine = affine<T>;
    k.affine_backward = affine_backward<T>;
    k.correct = correct<T>;
    k.avg_pool = avg_pool<T>;
    k.avg_pool_backward = avg_pool_backward<T>;
    k.max_pool = max_pool<T>;
    k.max_pool_backward = max_pool_backward<T>;
    k.pad_shortcut = pad_shortcut<T>;
    k.pad_shortcut_backward = pad_shortcut_backward<T>;
    k.global_avg_pool = global_avg_pool<T>;
    k.global_avg_pool_backward = global_avg_pool_backward<T>;
    return k;
}

// ---- float vectors ------------------------------------------------------------------------------------------------

inline double lane_sum(V v) {
    float lanes[kLanes];
    store_full(lanes, v);
    double sum = 0;
    for (float x : lanes) sum += x;
    return sum;
}

// Calls body(index, Full{} or Part{count}) down a vector.
template <class Body> inline void vector_blocks(int64_t n, Body body) {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) body(i, Full{});
    if (i < n) body(i, Part{int(n - i)});
}

inline double dot_difference(const float *a0, const float *a1, const float *b0, const float *b1, int64_t n) {
    V sum = broadcast(0.f);
    vector_blocks(n, [&](int64_t i, auto block) {
        sum = fma(load(a1 + i, block) - load(a0 + i, block), load(b1 + i, block) - load(b0 + i, block), sum);
    });
    return lane_sum(sum);
}

inline void path_dots(const float *prev, const float *here, const float *next, const float *gradient,
                      float weight_decay, int64_t n, double *out4) {
    V d_d = broadcast(0.f), d_dprev = d_d, g_dprev = d_d, g_d = d_d;
    const V decay = broadcast(weight_decay);
    vector_blocks(n, [&](int64_t i, auto block) {
        const V p = load(here + i, block), before = p - load(prev + i, block), after = load(next + i, block) - p;
        d_d = fma(after, after, d_d);
        d_dprev = fma(before, after, d_dprev);
        const V g = decay * p + (gradient ? load(gradient + i, block) : broadcast(0.f));
        g_dprev = fma(g, before, g_dprev);
        g_d = fma(g, after, g_d);
    });
    out4[0] = lane_sum(d_d), out4[1] = lane_sum(d_dprev), out4[2] = lane_sum(g_dprev), out4[3] = lane_sum(g_d);
}

// v = momentum * v + g; p -= lr * v, or nesterov p -= lr * (g + momentum * v)
template <class B>
inline void descend(float *p, float *v, V here, V g, V momentum_factor, V learning_rate, bool nesterov, B block) {
    const V velocity = fma(momentum_factor, load(v, block), g);
    store(v, velocity, block);
    const V step = nesterov ? fma(momentum_factor, velocity, g) : velocity;
    store(p, here - learning_rate * step, block);
}

inline void path_update(const float *prev, float *here, const float *next, const float *gradient, float *momentum,
                        float weight_decay, float c_prev, float c_next, float momentum_factor, float learning_rate,
                        bool nesterov, int64_t n) {
    const V decay = broadcast(weight_decay), cp = broadcast(c_prev), cn = broadcast(c_next);
    const V m = broadcast(momentum_factor), lr = broadcast(learning_rate);
    vector_blocks(n, [&](int64_t i, auto block) {
        const V p = load(here + i, block), before = p - load(prev + i, block), after = load(next + i, block) - p;
        V g = decay * p + (gradient ? load(gradient + i, block) : broadcast(0.f));
        g = g - cp * before - cn * after;
        descend(here + i, momentum + i, p, g, m, lr, nesterov, block);
    });
}

inline void sgd(float *params, const float *gradient, float *momentum, float weight_decay, float momentum_factor,
                float learning_rate, bool nesterov, int64_t n) {
    const V decay = broadcast(weight_decay), m = broadcast(momentum_factor), lr = broadcast(learning_rate);
    vector_blocks(n, [&](int64_t i, auto block) {
        const V p = load(params + i, block);
        descend(params + i, momentum + i, p, decay * p + load(gradient + i, block), m, lr, nesterov, block);
    });
}

inline void mix(float *dst, const float *a, const float *b, double fraction, int64_t n) {
    for (int64_t i = 0; i < n; i++) dst[i] = float((1.0 - fraction) * double(a[i]) + fraction * double(b[i]));
}

inline void add_vector(float *dst, const float *src, int64_t n) {
    vector_blocks(n,
                  [&](int64_t i, auto block) { store(dst + i, load(dst + i, block) + load(src + i, block), block); });
}

inline VectorKernels make_vector_kernels() { return {dot_difference, path_dots, path_update, sgd, mix, add_vector}; }

} // namespace ist::cpu::IST_ISA
