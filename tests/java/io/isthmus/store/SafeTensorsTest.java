package io.isthmus.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.engine.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** safetensors out and in, and headers that lie. */
class SafeTensorsTest {
  /** One tensor "a" of two floats. */
  private static final List<TensorInfo> A = List.of(new TensorInfo("a", false, 0, new long[] {2}));

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("state.safetensors");
  }

  @Test
  void aMinimumComesBack() throws IOException {
    MinimumFile minimum = Examples.minimum(1);
    SafeTensors.write(file, minimum);
    StateDict back = Import.stateDict(file, Examples.TENSORS);
    assertThat(back.values()).isEqualTo(minimum.state().values());
    FileSummary summary = FileSummary.of(file);
    assertThat(summary.format()).isEqualTo("safetensors");
    assertThat(summary.attributes()).containsEntry("architecture", "resnet8:shortcut=B");
    assertThat(summary.datasets())
        .containsEntry("conv1.weight", "[2, 3, 3, 3]")
        .containsEntry("bn1.num_batches_tracked", "[]");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.getLong(0) % 8).as("values are aligned").isZero();
  }

  @Test
  void aPathComesBack() throws IOException {
    StackedPath path = StackedPath.of(Examples.path(4));
    SafeTensors.write(file, path);
    assertThat(Import.path(file, Examples.TENSORS)).isEqualTo(path.pivots());
    assertThat(FileSummary.of(file).attributes())
        .containsEntry("kind", "stacked-path")
        .containsEntry("pivots", "5");
    assertThat(FileSummary.of(file).datasets())
        .containsEntry("conv1.weight", "[5, 2, 3, 3, 3]")
        .containsEntry("bn1.num_batches_tracked", "[5]");
  }

  @Test
  void anyOrderWillDo() throws IOException {
    write(
        """
        {"b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
         "a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}\
        """,
        7f,
        1f,
        2f);
    List<TensorInfo> model =
        List.of(
            new TensorInfo("a", false, 0, new long[] {2}),
            new TensorInfo("b", false, 2, new long[] {1}));
    float[] values = new float[3];
    Import.stateDict(file, model).values().get(values);
    assertThat(values).containsExactly(1f, 2f, 7f);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}} | place and shape",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}} | 8 bytes, not 4",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [4, 12]}} | overlap",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [-4, 4]}} | numbers of a",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [-2], \"data_offsets\": [0, 8]}} | numbers of a",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2.0], \"data_offsets\": [0, 8]}} | numbers of a",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1e400], \"data_offsets\": [0, 8]}} | invalid",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0]}} | place and shape",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": \"2\", \"data_offsets\": [0, 8]}} | numbers of a",
        "{\"a\": {\"dtype\": \"Q7\", \"shape\": [2], \"data_offsets\": [0, 8]}} | type of a",
        "{\"a\": {\"shape\": [2], \"data_offsets\": [0, 8]}} | type of a",
        "{\"a\": 3} | type of a",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [4294967296, 4294967296],"
            + " \"data_offsets\": [0, 8]}} | overflow",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]},"
            + " \"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}} | Duplicate",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]},"
            + " \"b\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}} | overlap",
        "{\"a\": {\"dtype\": \"I32\", \"shape\": [2], \"data_offsets\": [0, 8]}} | float32 first",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [1, 2], \"data_offsets\": [0, 8]}} | other shape",
        "{\"c\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}} | missing: a",
        "{\"a\": {\"dtype\" | header is invalid",
        "{} | not 0",
      })
  void headersThatLieAreRefused(String header, String complaint) throws IOException {
    write(header, 1f, 2f);
    Sentences.data(() -> Import.stateDict(file, A)).contains(file.toString()).contains(complaint);
  }

  @Test
  void lengthsThatLieAreRefused() throws IOException {
    for (long length : new long[] {0, 1, 100, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
      ByteBuffer bytes = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
      bytes.putLong(length).put("{\"a\": 1}".getBytes(UTF_8));
      Files.write(file, bytes.array());
      Sentences.data(() -> Import.stateDict(file, A));
    }
  }

  @Test
  void deepNestingDoesNotOverflowTheStack() throws IOException {
    write("{\"a\":" + "[".repeat(200_000), 1f, 2f);
    Sentences.data(() -> Import.stateDict(file, A)).contains("header is invalid");
  }

  @Test
  void aValueThatIsNoNumberIsNamed() throws IOException {
    write(
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}",
        1f,
        Float.POSITIVE_INFINITY);
    Sentences.data(() -> Import.stateDict(file, A)).contains("value 1 of a is Infinity");
  }

  @Test
  void damageGivesASentenceOrOtherNumbersButNeverAnotherError() throws IOException {
    SafeTensors.write(file, Examples.minimum(2));
    byte[] sound = Files.readAllBytes(file);
    Random random = new Random(3);
    for (int i = 0; i < 1000; i++) {
      byte[] bytes = sound.clone();
      int bit = random.nextInt(bytes.length * 8);
      bytes[bit / 8] ^= (byte) (1 << (bit % 8));
      Files.write(file, i % 5 == 0 ? Arrays.copyOf(sound, random.nextInt(sound.length)) : bytes);
      Throwable thrown = catchThrowable(() -> Import.stateDict(file, Examples.TENSORS));
      if (thrown != null) {
        assertThat(thrown).isInstanceOf(IsthmusException.class);
        assertThat(((IsthmusException) thrown).code()).isEqualTo(ExitCode.DATA);
        assertThat(thrown.getMessage()).doesNotContain("\n");
      }
    }
  }

  private void write(String header, float... values) throws IOException {
    byte[] text = header.getBytes(UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    for (float value : values) {
      bytes.putFloat(value);
    }
    Files.write(file, bytes.array());
  }
}
