package io.isthmus.engine;

import static io.isthmus.engine.c.IsthmusApi.IST_TENSOR_STATISTIC;
import static io.isthmus.engine.c.IsthmusApi.ist_model_check_convolutions;
import static io.isthmus.engine.c.IsthmusApi.ist_model_create;
import static io.isthmus.engine.c.IsthmusApi.ist_model_flops;
import static io.isthmus.engine.c.IsthmusApi.ist_model_n_params;
import static io.isthmus.engine.c.IsthmusApi.ist_model_n_statistics;
import static io.isthmus.engine.c.IsthmusApi.ist_model_n_tensors;
import static io.isthmus.engine.c.IsthmusApi.ist_model_tensor;

import io.isthmus.config.Precision;
import io.isthmus.engine.c.IsthmusApi;
import io.isthmus.engine.c.ist_convolution_check;
import io.isthmus.engine.c.ist_model;
import io.isthmus.engine.c.ist_tensor;
import java.util.ArrayList;
import java.util.List;

/** An architecture for one image shape, or an analytic surface of two coordinates. */
public final class Model implements AutoCloseable {
  private final NativeHandle<ist_model> handle;
  private final long parameters;
  private final long statistics;
  private final long flops;
  private final List<TensorInfo> tensors;

  private Model(ist_model pointer) {
    handle = new NativeHandle<>("Model", pointer, IsthmusApi::ist_model_destroy);
    parameters = ist_model_n_params(pointer);
    statistics = ist_model_n_statistics(pointer);
    flops = ist_model_flops(pointer);
    tensors = readTensors(pointer);
  }

  /**
   * Builds a network.
   *
   * @param spec {@code name[:key=value[,key=value...]]}, for example {@code resnet20:shortcut=B};
   *     isthmus.h lists them
   * @param channels channels of an image
   * @param height rows of an image
   * @param width columns of an image
   * @param classes number of classes
   * @throws EngineException if the specification is wrong ({@code USAGE}: it is the user's) or the
   *     precision not available
   */
  public static Model create(
      Engine engine,
      String spec,
      int channels,
      int height,
      int width,
      int classes,
      Precision precision) {
    ist_model out = new ist_model();
    int code = Engine.code(precision);
    try {
      NativeHandle.check(
          ist_model_create(engine.pointer(), spec, channels, height, width, classes, code, out));
    } catch (EngineException e) {
      throw e.ofUser();
    }
    return new Model(out);
  }

  /**
   * Builds an analytic surface, which needs no data.
   *
   * @param spec for example {@code surface-mueller-brown}
   */
  public static Model surface(Engine engine, String spec) {
    return create(engine, spec, 0, 0, 0, 0, Precision.FP32);
  }

  /** Trainable values of a point. */
  public long parameters() {
    return parameters;
  }

  /** Batch-norm running means and variances of a point. */
  public long statistics() {
    return statistics;
  }

  /** All values of a point: parameters, then statistics. */
  public long size() {
    return parameters + statistics;
  }

  /**
   * Operations of one forward pass per image: 2 per multiply-add of convolutions and linear layers.
   */
  public long flops() {
    return flops;
  }

  /** Every tensor of a point, in the order of the PyTorch state dictionary. */
  public List<TensorInfo> tensors() {
    return tensors;
  }

  /**
   * Compares the convolutions of this network, each shape once, with cuDNN's on random numbers.
   *
   * @param images how many
   * @throws EngineException with {@code UNSUPPORTED} where the device has no cuDNN
   */
  public List<ConvolutionCheck> checkConvolutions(int images) {
    int[] shapes = {0};
    NativeHandle.check(ist_model_check_convolutions(pointer(), images, 0, null, shapes));
    List<ConvolutionCheck> checks = new ArrayList<>();
    try (ist_convolution_check out = new ist_convolution_check(Math.max(1, shapes[0]))) {
      NativeHandle.check(ist_model_check_convolutions(pointer(), images, shapes[0], out, shapes));
      for (int i = 0; i < shapes[0]; i++) {
        ist_convolution_check c = out.getPointer(i);
        checks.add(
            new ConvolutionCheck(
                c.kernel(),
                c.stride(),
                c.channels(),
                c.filters(),
                c.height(),
                c.width(),
                c.forward(),
                c.data_gradient(),
                c.weight_gradient()));
      }
    }
    return List.copyOf(checks);
  }

  @Override
  public void close() {
    handle.close();
  }

  ist_model pointer() {
    return handle.pointer();
  }

  private static List<TensorInfo> readTensors(ist_model pointer) {
    List<TensorInfo> tensors = new ArrayList<>();
    try (ist_tensor tensor = new ist_tensor()) {
      for (int i = 0; i < ist_model_n_tensors(pointer); i++) {
        NativeHandle.check(ist_model_tensor(pointer, i, tensor));
        long[] shape = new long[tensor.rank()];
        for (int axis = 0; axis < shape.length; axis++) {
          shape[axis] = tensor.shape(axis);
        }
        boolean statistic = tensor.kind() == IST_TENSOR_STATISTIC;
        String name = NativeHandle.text(tensor.name());
        tensors.add(new TensorInfo(name, statistic, tensor.offset(), shape));
      }
    }
    return List.copyOf(tensors);
  }
}
