#include <algorithm>

#include "profile.hpp"
#include "onednn.hpp"

using dnnl::memory;

namespace {

struct Convolution {
  dnnl::primitive primitive;
  // As the caller holds them, and as the primitive wants them (a reorder bridges where they differ).
  memory::desc x, weight, bias, y, wantedX, wantedWeight, wantedY, scratch;
};

enum class Direction { forward, backwardData, backwardWeight };

/// Strided convolutions of pictures in bfloat16, of which one in a hundred shapes is summed wrongly (see
/// `hasFaultyTiles`). That of subsampling is not among them: thousands of its shapes were tried.
bool isSummedWrongly(const ck_conv_shape &s) {
  const bool isSubsampling = s.kernel_height == 3 && s.kernel_width == 3 && s.stride_height == 2 &&
                             s.stride_width == 2 && s.pad_height == 1 && s.pad_width == 1;
  return ck::hasFaultyTiles() && s.type == CK_BFLOAT16 && s.height > 1 && s.stride_height * s.stride_width > 1 &&
         !isSubsampling;
}

Convolution make(const ck_conv_shape &s, Direction direction, bool hasBias) {
  const int64_t outHeight = ck_conv_out_height(&s), outWidth = ck_conv_out_width(&s);
  const auto f32 = memory::data_type::f32, type = ck::dataType(s.type);
  const memory::dims xDims = {s.batch, s.in, s.height, s.width};
  const memory::dims yDims = {s.batch, s.out, outHeight, outWidth};
  const memory::dims weightDims =
      s.groups == 1 ? memory::dims{s.out, s.in, s.kernel_height, s.kernel_width}
                    : memory::dims{s.groups, s.out / s.groups, s.in / s.groups, s.kernel_height,
                                   s.kernel_width};
  const memory::dims strides = {s.stride_height, s.stride_width};
  const memory::dims pads = {s.pad_height, s.pad_width};
  const memory::dims dilations = {s.dilation_height - 1, s.dilation_width - 1};
  Convolution c;
  c.x = memory::desc(xDims, type, memory::format_tag::nhwc);
  c.y = memory::desc(yDims, type, memory::format_tag::nhwc);
  c.weight = memory::desc(weightDims, f32,
                          s.groups == 1 ? memory::format_tag::oihw : memory::format_tag::goihw);
  if (hasBias) c.bias = memory::desc({s.out}, f32, memory::format_tag::a);
  // Weights are held in float32 and reordered to what the primitive computes in; their gradients are float32.
  const auto forwardType = isSummedWrongly(s) ? f32 : type;
  const auto anyWeight = memory::desc(weightDims, type, memory::format_tag::any);
  const auto forwardX = memory::desc(xDims, forwardType, memory::format_tag::nhwc);
  const auto forwardY = memory::desc(yDims, forwardType, memory::format_tag::nhwc);
  const auto forwardWeight = memory::desc(weightDims, forwardType, memory::format_tag::any);
  const auto anyGradient = memory::desc(weightDims, f32, memory::format_tag::any);
  const auto attributes = ck::sharedScratchpad();
  const auto algorithm = dnnl::algorithm::convolution_direct;
  auto keep = [&](const auto &described, const memory::desc &wx, const memory::desc &ww,
                  const memory::desc &wy) {
    c.wantedX = wx;
    c.wantedWeight = ww;
    c.wantedY = wy;
    c.scratch = described.scratchpad_desc();
  };
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::convolution_forward::primitive_desc forward(
      ck::engine(), dnnl::prop_kind::forward_training, algorithm, forwardX, forwardWeight, c.bias, forwardY,
      strides, dilations, pads, pads, attributes);
#else
  const dnnl::convolution_forward::primitive_desc forward(
      hasBias ? dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, algorithm, forwardX,
                                                forwardWeight, c.bias, forwardY, strides, dilations, pads,
                                                pads)
              : dnnl::convolution_forward::desc(dnnl::prop_kind::forward_training, algorithm, forwardX,
                                                forwardWeight, forwardY, strides, dilations, pads, pads),
      attributes, ck::engine());
#endif
  switch (direction) {
    case Direction::forward:
      keep(forward, forward.src_desc(), forward.weights_desc(), forward.dst_desc());
      c.primitive = dnnl::convolution_forward(forward);
      break;
    case Direction::backwardData: {
#if DNNL_VERSION_MAJOR >= 3
      const dnnl::convolution_backward_data::primitive_desc described(
          ck::engine(), algorithm, c.x, anyWeight, c.y, strides, dilations, pads, pads, forward,
          attributes);
#else
      const dnnl::convolution_backward_data::primitive_desc described(
          dnnl::convolution_backward_data::desc(algorithm, c.x, anyWeight, c.y, strides, dilations,
                                                pads, pads),
          attributes, ck::engine(), forward);
#endif
      keep(described, described.diff_src_desc(), described.weights_desc(),
           described.diff_dst_desc());
      c.primitive = dnnl::convolution_backward_data(described);
      break;
    }
    case Direction::backwardWeight: {
#if DNNL_VERSION_MAJOR >= 3
      const dnnl::convolution_backward_weights::primitive_desc described(
          ck::engine(), algorithm, c.x, anyGradient, c.bias, c.y, strides, dilations, pads, pads,
          forward, attributes);
#else
      const dnnl::convolution_backward_weights::primitive_desc described(
          hasBias ? dnnl::convolution_backward_weights::desc(algorithm, c.x, anyGradient, c.bias, c.y,
                                                             strides, dilations, pads, pads)
                  : dnnl::convolution_backward_weights::desc(algorithm, c.x, anyGradient, c.y,
                                                             strides, dilations, pads, pads),
          attributes, ck::engine(), forward);
#endif
      keep(described, described.src_desc(), described.diff_weights_desc(),
           described.diff_dst_desc());
      c.primitive = dnnl::convolution_backward_weights(described);
      break;
    }
  }
  return c;
}

Convolution &cached(const ck_conv_shape &s, Direction direction, bool hasBias) {
  static ck::PrimitiveCache<Convolution> cache;
  return cache.get(
      {static_cast<int64_t>(direction), hasBias, s.type, s.batch, s.height, s.width, s.in, s.out, s.groups,
       s.kernel_height, s.kernel_width, s.stride_height, s.stride_width, s.pad_height, s.pad_width,
       s.dilation_height, s.dilation_width},
      [&] { return make(s, direction, hasBias); });
}

memory wrap(const memory::desc &desc, const void *data) {
  return memory(desc, ck::engine(), const_cast<void *>(data));
}

enum Slot { slotX = 1, slotWeight = 2, slotY = 3 };

/// `data` in the layout and type the primitive wants.
memory bridged(const memory::desc &held, const memory::desc &wanted, const void *data, Slot slot) {
  memory source = wrap(held, data);
  if (held == wanted) return source;
  memory target = ck::scratch(wanted, slot);
  dnnl::reorder(source, target).execute(ck::stream(), source, target);
  return target;
}

/// 0 where the kernel does not fit.
int64_t outSize(int64_t in, int64_t pad, int64_t dilation, int64_t kernel, int64_t stride) {
  const int64_t room = in + 2 * pad - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

double work(const ck_conv_shape &s) {
  return 2.0 * s.batch * ck_conv_out_height(&s) * ck_conv_out_width(&s) * s.out * (s.in / s.groups) *
         s.kernel_height * s.kernel_width;
}

double traffic(const ck_conv_shape &s) {
  return (s.type == CK_BFLOAT16 ? 2.0 : 4.0) * s.batch *
         (s.height * s.width * s.in + ck_conv_out_height(&s) * ck_conv_out_width(&s) * s.out);
}

/// A long convolution over time goes in parts: with more than some thousand frames at once oneDNN leaves the cache,
/// and takes twice as long for each.
struct Parts {
  /// Frames of output, and how many utterances go one by one.
  int64_t length, batches = 1;
  explicit Parts(const ck_conv_shape &s) : length(std::max<int64_t>(1, ck_conv_out_width(&s))) {
    const bool isOverTime = s.height == 1 && s.kernel_height == 1 && s.pad_height == 0 && s.pad_width == 0;
    if (!isOverTime || s.in < 64 || 2 * length < 3 * most) return;
    length = most;
    batches = s.batch;
  }
  bool areSome() const { return length == most; }

 private:
  static constexpr int64_t most = 4000;
};

}  // namespace

int64_t ck_conv_out_height(const ck_conv_shape *s) {
  return outSize(s->height, s->pad_height, s->dilation_height, s->kernel_height, s->stride_height);
}

int64_t ck_conv_out_width(const ck_conv_shape *s) {
  return outSize(s->width, s->pad_width, s->dilation_width, s->kernel_width, s->stride_width);
}

bool ck_conv_forward(const ck_conv_shape *s, const void *x, const float *weight, const float *bias,
                     void *y) {
  const ck::Timed timed("convolution", work(*s), traffic(*s));
  if (s->batch == 0) return true;
  try {
    const int64_t all = ck_conv_out_width(s), size = s->type == CK_BFLOAT16 ? 2 : 4;
    const Parts parts(*s);
    memory packed;
    for (int64_t utterance = 0; utterance < parts.batches; ++utterance) {
      for (int64_t first = 0; first < all; first += parts.length) {
        ck_conv_shape part = *s;
        if (parts.areSome()) {
          part.batch = 1;
          part.width = (std::min(parts.length, all - first) - 1) * s->stride_width +
                       s->dilation_width * (s->kernel_width - 1) + 1;
        }
        const auto *from = static_cast<const char *>(x) +
                           size * s->in * (utterance * s->width + first * s->stride_width);
        auto *to = static_cast<char *>(y) + size * s->out * (utterance * all + first);
        Convolution &c = cached(part, Direction::forward, bias != nullptr);
        // Packed once, for parts of all sizes alike.
        if (!packed || packed.get_desc() != c.wantedWeight) {
          packed = bridged(c.weight, c.wantedWeight, weight, slotWeight);
        }
        memory held = wrap(c.y, to), out = c.y == c.wantedY ? held : ck::scratch(c.wantedY, slotY);
        std::unordered_map<int, memory> arguments = {
            {DNNL_ARG_SRC, bridged(c.x, c.wantedX, from, slotX)},
            {DNNL_ARG_WEIGHTS, packed},
            {DNNL_ARG_DST, out},
            {DNNL_ARG_SCRATCHPAD, ck::scratch(c.scratch)}};
        if (bias) arguments.emplace(DNNL_ARG_BIAS, wrap(c.bias, bias));
        c.primitive.execute(ck::stream(), arguments);
        if (c.y != c.wantedY) dnnl::reorder(out, held).execute(ck::stream(), out, held);
      }
    }
    return true;
  } catch (const std::exception &error) {
    return ck::fail("convolution", error.what());
  }
}

bool ck_conv_backward_data(const ck_conv_shape *s, const void *dy, const float *weight, void *dx) {
  const ck::Timed timed("convolution input gradient", work(*s), traffic(*s));
  if (s->batch == 0) return true;
  try {
    Convolution &c = cached(*s, Direction::backwardData, false);
    c.primitive.execute(ck::stream(),
                        {{DNNL_ARG_DIFF_DST, bridged(c.y, c.wantedY, dy, slotY)},
                         {DNNL_ARG_WEIGHTS, bridged(c.weight, c.wantedWeight, weight, slotWeight)},
                         {DNNL_ARG_DIFF_SRC, wrap(c.x, dx)},
                         {DNNL_ARG_SCRATCHPAD, ck::scratch(c.scratch)}});
    return true;
  } catch (const std::exception &error) {
    return ck::fail("convolution's input gradient", error.what());
  }
}

bool ck_conv_backward_weight(const ck_conv_shape *s, const void *x, const void *dy, float *dweight,
                             float *dbias) {
  const ck::Timed timed("convolution weight gradient", work(*s), traffic(*s));
  if (s->batch == 0) {
    std::fill_n(dweight, s->out * (s->in / s->groups) * s->kernel_height * s->kernel_width, 0.0f);
    if (dbias) std::fill_n(dbias, s->out, 0.0f);
    return true;
  }
  try {
    Convolution &c = cached(*s, Direction::backwardWeight, dbias != nullptr);
    memory held = wrap(c.weight, dweight);
    memory result = c.weight == c.wantedWeight ? held : ck::scratch(c.wantedWeight, slotWeight);
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, bridged(c.x, c.wantedX, x, slotX)},
        {DNNL_ARG_DIFF_DST, bridged(c.y, c.wantedY, dy, slotY)},
        {DNNL_ARG_DIFF_WEIGHTS, result},
        {DNNL_ARG_SCRATCHPAD, ck::scratch(c.scratch)}};
    if (dbias) arguments.emplace(DNNL_ARG_DIFF_BIAS, wrap(c.bias, dbias));
    c.primitive.execute(ck::stream(), arguments);
    if (!(c.weight == c.wantedWeight)) {
      dnnl::reorder(result, held).execute(ck::stream(), result, held);
    }
    return true;
  } catch (const std::exception &error) {
    return ck::fail("convolution's weight gradient", error.what());
  }
}
