package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.TensorInfo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of others, made by tests/e2e/foreign_files.py; value i of the vector is i / 4 - 3. */
class ImportTest {
  @TempDir Path folder;

  private Path copy(String name) throws IOException {
    Path file = folder.resolve(name);
    try (InputStream in = ImportTest.class.getResourceAsStream(name)) {
      Files.write(file, in.readAllBytes());
    }
    return file;
  }

  private static void assertVector(FloatBuffer values, float factor, float shift) {
    assertThat(values.remaining()).isEqualTo(72);
    assertThat(values.isDirect()).isTrue();
    for (int i = 0; i < 72; i++) {
      assertThat(values.get(i)).isEqualTo((i / 4f - 3) * factor + shift);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nested-compressed.h5", "flat-latest.h5"})
  void stateDictionariesInAnyOrderLayoutAndByteOrder(String name) throws IOException {
    StateDict state = Import.stateDict(copy(name), Examples.TENSORS);
    assertVector(state.values(), 1, 0);
    assertThat(state.tensors()).isEqualTo(Examples.TENSORS);
  }

  @Test
  void aPathComesInRowByRow() throws IOException {
    List<FloatBuffer> pivots = Import.path(copy("path.h5"), Examples.TENSORS);
    assertThat(pivots).hasSize(3);
    assertVector(pivots.get(0), 1, 0);
    assertVector(pivots.get(1), 2, 0);
    assertVector(pivots.get(2), 1, 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"stacked.h5", "stacked.safetensors", "rows.safetensors"})
  void aPathComesInTensorByTensor(String name) throws IOException {
    Path file = copy(name);
    List<FloatBuffer> pivots = Import.path(file, Examples.TENSORS);
    assertThat(pivots).hasSize(3);
    assertVector(pivots.get(0), 1, 0);
    assertVector(pivots.get(1), 2, 0);
    assertVector(pivots.get(2), 1, 1);
    assertThat(Import.points(file, Examples.TENSORS)).isEqualTo(pivots);
  }

  @Test
  void aFileOfPointsIsTakenAsWhatItIs() throws IOException {
    assertThat(Import.points(copy("path.h5"), Examples.TENSORS)).hasSize(3);
    assertThat(Import.points(copy("nested-compressed.h5"), Examples.TENSORS)).hasSize(1);
    for (String name : List.of("stacked.h5", "stacked.safetensors")) {
      Path file = copy(name);
      Sentences.data(() -> Import.stateDict(file, Examples.TENSORS))
          .contains("holds the stacked pivots of a path, but one point is needed here");
    }
  }

  @Test
  void everyTensorOfAStackThatDoesNotFitIsNamed() throws IOException {
    List<TensorInfo> model =
        List.of(
            new TensorInfo("conv1.weight", false, 0, new long[] {2, 3, 3, 3}),
            new TensorInfo("bn1.weight", false, 54, new long[] {3}),
            new TensorInfo("fc.bias", false, 57, new long[] {2}));
    for (String name : List.of("stacked.h5", "stacked.safetensors")) {
      Path file = copy(name);
      Sentences.data(() -> Import.path(file, model))
          .contains("missing: fc.bias;", "other shape: bn1.weight is [3, 2] instead of [3, 3]");
    }
    Path rows = copy("rows.safetensors");
    Sentences.data(() -> Import.path(rows, model))
        .contains("other shape: pivots is [3, 72] instead of [3, 59]");
    Path uneven = copy("uneven.safetensors");
    Sentences.data(() -> Import.path(uneven, Examples.TENSORS))
        .contains("other shape: linear.bias is [2, 2] instead of [3, 2]");
    Path single = copy("single.safetensors");
    Sentences.data(() -> Import.path(single, Examples.TENSORS)).contains("path of 1 pivots");
    Path nan = copy("nan.safetensors");
    Sentences.data(() -> Import.path(nan, Examples.TENSORS)).contains("value 5 of pivot 1 is NaN");
  }

  @Test
  void everyKeyThatDoesNotFitIsListedInOneSentence() throws IOException {
    List<TensorInfo> model =
        List.of(
            new TensorInfo("conv1.weight", false, 0, new long[] {2, 3, 3, 3}),
            new TensorInfo("bn1.weight", false, 54, new long[] {3}),
            new TensorInfo("fc.weight", false, 57, new long[] {2}),
            new TensorInfo("fc.bias", false, 59, new long[] {2}));
    Path file = copy("nested-compressed.h5");
    Sentences.data(() -> Import.stateDict(file, model))
        .contains(
            file.toString(),
            "missing: fc.weight, fc.bias;",
            "unexpected: bn1.bias, bn1.running_mean, bn1.running_var, linear.bias, linear.weight;",
            "other shape: bn1.weight is [2] instead of [3]")
        .doesNotContain("num_batches_tracked");
    Sentences.data(() -> Import.path(file, model)).contains("missing: fc.weight, fc.bias;");
    Sentences.data(() -> Import.path(file, Examples.TENSORS))
        .contains("holds one point and not a path; stack");
    Path path = copy("path.h5");
    Sentences.data(() -> Import.path(path, model)).contains("[3, 72] instead of [2 or more, 61]");
  }

  @Test
  void otherTypesAreNamed() throws IOException {
    Path file = copy("double.h5");
    Sentences.data(() -> Import.stateDict(file, Examples.TENSORS))
        .contains("linear.bias as double", "float32 is needed");
  }

  @Test
  void linksAreNotFollowed() throws IOException {
    copy("flat-latest.h5");
    Path links = copy("links.h5");
    Sentences.data(() -> Import.stateDict(links, Examples.TENSORS))
        .contains("missing: linear.bias");
    Path loop = copy("hard-loop.h5");
    Sentences.data(() -> Import.stateDict(loop, Examples.TENSORS))
        .contains("missing: conv1.weight");
  }

  @Test
  void picklesAreRefusedUnread() throws IOException {
    Path file = folder.resolve("model.pt");
    for (byte[] start : new byte[][] {{'P', 'K', 3, 4, 0}, {(byte) 0x80, 2, '}', 'q'}}) {
      Files.write(file, start);
      Sentences.data(() -> Import.stateDict(file, Examples.TENSORS))
          .contains("runs code when it is read", "convert_pt.py");
    }
  }

  @Test
  void anythingElseIsASentence() throws IOException {
    Path file = folder.resolve("some");
    for (String content : new String[] {"", "x", "12345678[", "key: value\n"}) {
      Files.writeString(file, content);
      Sentences.data(() -> Import.stateDict(file, Examples.TENSORS))
          .contains("neither HDF5 nor safetensors");
    }
    Sentences.io(() -> Import.stateDict(folder.resolve("none"), Examples.TENSORS))
        .contains("there is no such file");
    Sentences.io(() -> Import.stateDict(folder, Examples.TENSORS)).contains("Cannot read");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"nested-compressed.h5", "flat-latest.h5", "path.h5", "links.h5", "stacked.h5"})
  void damageGivesASentenceOrOtherNumbersButNeverAnotherError(String name) throws IOException {
    Path file = copy(name);
    byte[] sound = Files.readAllBytes(file);
    Random random = new Random(11);
    for (int i = 0; i < 150; i++) {
      byte[] bytes = sound.clone();
      for (int flips = 0; flips <= i % 3; flips++) {
        int bit = random.nextInt(bytes.length * 8);
        bytes[bit / 8] ^= (byte) (1 << (bit % 8));
      }
      Files.write(file, i % 5 == 0 ? Arrays.copyOf(sound, random.nextInt(sound.length)) : bytes);
      Throwable thrown =
          catchThrowable(
              () -> {
                if (name.equals("path.h5") || name.equals("stacked.h5")) {
                  Import.path(file, Examples.TENSORS);
                } else {
                  Import.stateDict(file, Examples.TENSORS);
                }
              });
      if (thrown != null) {
        assertThat(thrown).as("round %d", i).isInstanceOf(IsthmusException.class);
        assertThat(((IsthmusException) thrown).code()).isEqualTo(ExitCode.DATA);
        assertThat(thrown.getMessage()).doesNotContain("\n");
      }
    }
  }

  @Test
  void aSummaryNamesTheDatasets() throws IOException {
    FileSummary summary = FileSummary.of(copy("nested-compressed.h5"));
    assertThat(summary.format()).isEqualTo("hdf5");
    assertThat(summary.verified()).isFalse();
    assertThat(summary.datasets())
        .containsEntry("state_dict.conv1.weight", "[2, 3, 3, 3]")
        .containsKey("optimizer.lr");
  }
}
