package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.hdf5.global.hdf5.*;

import io.isthmus.engine.TensorInfo;
import io.jhdf.HdfFile;
import io.jhdf.api.Dataset;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.RecursiveComparisonAssert;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every kind of file comes back with the same bits, and other readers agree. */
class RoundTripIT {
  @TempDir Path folder;

  /** Buffers compare their content; floats and doubles their bits. */
  private static RecursiveComparisonAssert<?> same(Object actual) {
    return assertThat(actual)
        .usingRecursiveComparison()
        .withEqualsForType(RoundTripIT::sameBits, FloatBuffer.class);
  }

  private static boolean sameBits(FloatBuffer a, FloatBuffer b) {
    if (a.remaining() != b.remaining()) {
      return false;
    }
    for (int i = 0; i < a.remaining(); i++) {
      if (Float.floatToRawIntBits(a.get(a.position() + i))
          != Float.floatToRawIntBits(b.get(b.position() + i))) {
        return false;
      }
    }
    return true;
  }

  @Test
  void minimum() {
    Path file = folder.resolve("minima/0003/minimum.h5");
    MinimumFile minimum = Examples.minimum(1);
    minimum.write(file);
    same(MinimumFile.read(file)).isEqualTo(minimum);
    assertThat(MinimumFile.read(file).state().values().isDirect()).isTrue();
  }

  @Test
  void minimumWhoseMistakesAreUnknownOrNone() {
    Path file = folder.resolve("minimum.h5");
    for (int[] mistakes : new int[][] {null, {}}) {
      MinimumFile m = Examples.minimum(1);
      MinimumFile minimum =
          new MinimumFile(
              m.origin(), 1, 0, m.train(), m.test(), mistakes, TrainingCurve.empty(), m.state());
      minimum.write(file);
      same(MinimumFile.read(file)).isEqualTo(minimum);
    }
  }

  @Test
  void trainingCheckpoint() {
    Path file = folder.resolve("checkpoint.h5");
    TrainingCheckpoint checkpoint = Examples.training(2);
    checkpoint.write(file);
    same(TrainingCheckpoint.read(file)).isEqualTo(checkpoint);
  }

  @Test
  void path() {
    Path file = folder.resolve("cycle-03.h5");
    PathFile path = Examples.path(3);
    path.write(file);
    same(PathFile.read(file)).ignoringFields("result.seconds").isEqualTo(path);
    same(PathFile.readResult(file)).ignoringFields("seconds").isEqualTo(path.result());
  }

  @Test
  void pathCheckpoint() {
    Path file = folder.resolve("checkpoint.h5");
    PathCheckpoint checkpoint = Examples.checkpoint(4);
    checkpoint.write(file);
    same(PathCheckpoint.read(file)).isEqualTo(checkpoint);
  }

  @Test
  void planeAndItsCheckpoint() {
    Path file = folder.resolve("plane.h5");
    PlaneFile whole = Examples.plane(3, 12);
    whole.write(file);
    assertThat(PlaneFile.read(file)).isEqualTo(whole);
    for (int evaluated : new int[] {0, 11}) {
      PlaneFile part = Examples.plane(3, evaluated);
      part.write(file);
      assertThat(PlaneFile.readCheckpoint(file)).isEqualTo(part);
    }
  }

  @Test
  void equalContentGivesEqualBytes() throws IOException {
    Path first = folder.resolve("a.h5");
    Path second = folder.resolve("b.h5");
    Examples.path(5).write(first);
    Examples.path(5).write(second);
    assertThat(second).hasSameBinaryContentAs(first);
  }

  @Test
  void jhdfReadsTheStateDictionaryByItself() {
    Path file = folder.resolve("minimum.h5");
    MinimumFile minimum = Examples.minimum(6);
    minimum.write(file);
    try (HdfFile hdf = new HdfFile(file)) {
      for (TensorInfo tensor : minimum.state().tensors()) {
        Dataset dataset = hdf.getDatasetByPath("/state_dict/" + tensor.name());
        assertThat(dataset.getDimensionsAsLong()).isEqualTo(tensor.shape());
        assertThat((float[]) dataset.getDataFlat())
            .isEqualTo(array(minimum.state().values(tensor)));
        assertThat(dataset.getFilters()).hasToString("[fletcher32 (id=3) data=[]]");
      }
      assertThat(hdf.getDatasetByPath("/state_dict/bn1.num_batches_tracked").getData())
          .isEqualTo(20L);
      assertThat((String[]) hdf.getDatasetByPath("/param_order").getData())
          .containsExactlyElementsOf(Examples.TENSORS.stream().map(TensorInfo::name).toList());
      assertThat(hdf.getAttribute("architecture").getData()).isEqualTo("resnet8:shortcut=B");
      assertThat(hdf.getAttribute("format").getData()).isEqualTo("isthmus");
      assertThat(hdf.getAttribute("version").getData()).isEqualTo("1");
      assertThat(hdf.getAttribute("seed").getData()).isEqualTo("-7");
    }
  }

  @Test
  void libhdf5ReadsThePivotsAndItsChecksumsAgree() {
    Path file = folder.resolve("cycle-03.h5");
    PathFile path = Examples.path(7);
    path.write(file);
    long id = H5Fopen(file.toString(), H5F_ACC_RDONLY(), 0);
    long dataset = H5Dopen2(id, "/pivots", 0);
    int size = 72;
    try (FloatPointer values = new FloatPointer(5L * size)) {
      assertThat(H5Dread(dataset, H5T_IEEE_F32LE_g(), 0, 0, 0, values)).isZero();
      List<FloatBuffer> pivots = path.pivots();
      for (int i = 0; i < 5; i++) {
        float[] row = new float[size];
        values.getPointer(FloatPointer.class, (long) i * size).get(row);
        assertThat(row).isEqualTo(array(pivots.get(i)));
      }
    } finally {
      H5Dclose(dataset);
      H5Fclose(id);
    }
  }

  @Test
  void nothingThatDivergedIsStoredAndWhatWasThereStays() throws IOException {
    Path file = folder.resolve("minimum.h5");
    MinimumFile minimum = Examples.minimum(8);
    minimum.write(file);
    byte[] before = Files.readAllBytes(file);
    minimum.state().values().put(70, Float.NaN);
    Sentences.diverged(() -> minimum.write(file)).contains("minimum 0003", "value 70", "NaN");
    assertThat(file).hasBinaryContent(before);
  }

  private static float[] array(FloatBuffer values) {
    float[] array = new float[values.remaining()];
    values.duplicate().get(array);
    return array;
  }
}
