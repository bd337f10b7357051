package io.isthmus.store;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A damaged file gives a sentence, whatever happened to it: never a crash, never wrong numbers. */
class DamageIT {
  private static final int FLIPS = 300;

  @TempDir Path folder;
  private Path file;

  /** The kinds of files there are. */
  enum Kind {
    MINIMUM(MinimumFile::read),
    TRAINING_CHECKPOINT(TrainingCheckpoint::read),
    PATH(PathFile::read),
    PATH_CHECKPOINT(PathCheckpoint::read),
    PLANE(PlaneFile::read),
    PLANE_CHECKPOINT(PlaneFile::readCheckpoint);

    private final Function<Path, ?> read;

    Kind(Function<Path, ?> read) {
      this.read = read;
    }

    void write(Path file) {
      switch (this) {
        case MINIMUM -> Examples.minimum(1).write(file);
        case TRAINING_CHECKPOINT -> Examples.training(1).write(file);
        case PATH -> Examples.path(1).write(file);
        case PATH_CHECKPOINT -> Examples.checkpoint(1).write(file);
        case PLANE -> Examples.plane(1, 12).write(file);
        case PLANE_CHECKPOINT -> Examples.plane(1, 7).write(file);
      }
    }
  }

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("some.h5");
  }

  @ParameterizedTest
  @EnumSource
  void aFlippedBitAnywhere(Kind kind) throws IOException {
    kind.write(file);
    byte[] sound = Files.readAllBytes(file);
    Random random = new Random(42);
    for (int i = 0; i < FLIPS; i++) {
      byte[] bytes = sound.clone();
      // every other one into the first kilobyte: the seal and HDF5's superblock
      int bit = random.nextInt((i % 2 == 0 ? bytes.length : 1024) * 8);
      bytes[bit / 8] ^= (byte) (1 << (bit % 8));
      Files.write(file, bytes);
      Sentences.data(() -> kind.read.apply(file)).as("bit %d", bit).contains(file.toString());
    }
  }

  @ParameterizedTest
  @EnumSource
  void truncationToAnyLength(Kind kind) throws IOException {
    kind.write(file);
    byte[] sound = Files.readAllBytes(file);
    TreeSet<Integer> lengths = new TreeSet<>();
    for (int i = 0; i < 40; i++) {
      lengths.add(i);
      lengths.add(500 + i);
      lengths.add(sound.length - 1 - i);
    }
    new Random(7).ints(100, 0, sound.length).forEach(lengths::add);
    for (int length : lengths) {
      Files.write(file, Arrays.copyOf(sound, length));
      Sentences.data(() -> kind.read.apply(file)).as("length %d", length);
    }
  }

  @ParameterizedTest
  @EnumSource
  void invertedPagesAndTrailingBytes(Kind kind) throws IOException {
    kind.write(file);
    byte[] sound = Files.readAllBytes(file);
    for (int from = 0; from < sound.length; from += 4096) {
      byte[] bytes = sound.clone();
      for (int i = from; i < Math.min(from + 4096, bytes.length); i++) {
        bytes[i] = (byte) ~bytes[i];
      }
      Files.write(file, bytes);
      Sentences.data(() -> kind.read.apply(file));
    }
    Files.write(file, Arrays.copyOf(sound, sound.length + 1));
    Sentences.data(() -> kind.read.apply(file)).contains("bytes after its seal");
  }

  @ParameterizedTest
  @EnumSource
  void anyOtherKind(Kind kind) {
    for (Kind other : Kind.values()) {
      if (other != kind) {
        other.write(file);
        Sentences.data(() -> kind.read.apply(file)).contains("holds a", "is needed here");
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void nothingThere(Kind kind) throws IOException {
    Sentences.io(() -> kind.read.apply(file)).contains("there is no such file", "check the path");
    Files.createDirectory(file);
    Sentences.io(() -> kind.read.apply(file)).contains("Cannot read");
    Files.delete(file);
    Files.createFile(file);
    Sentences.data(() -> kind.read.apply(file)).contains("is empty");
  }

  @Test
  void otherVersionsAreNamed() throws IOException {
    Kind.MINIMUM.write(file);
    byte[] bytes = Files.readAllBytes(file);
    bytes["isthmus ".length()] = '2';
    Files.write(file, bytes);
    Sentences.data(() -> MinimumFile.read(file)).contains("format version 2", "reads version 1");
  }

  @Test
  void filesOfOthers() throws IOException {
    for (String content : new String[] {"hello", "\u0089HDF\r\n\u001a\n", "isthmus", "isthmus 1"}) {
      Files.writeString(file, content, StandardCharsets.ISO_8859_1);
      Sentences.data(() -> MinimumFile.read(file));
    }
  }

  @Test
  void contentThatMakesNoSenseBehindARightSeal() {
    // What a foreign or faulty writer could make: the checksums agree, the content does not.
    sealed(f -> {}, "/param_order");
    sealed(f -> complete(f, 72, 72, 1f), "text attribute step of / is missing");
    sealed(f -> steps(f, "1.5", 72, 72, 1f), "attribute step is '1.5'");
    sealed(f -> steps(f, "-1", 72, 72, 1f), "attribute step is '-1'");
    sealed(f -> steps(f, "0", 72, 72, 1f), "text attribute precision");
    sealed(origin(f -> steps(f, "0", 0, 72, 1f)), "there is no dataset /values");
    sealed(origin(f -> steps(f, "0", 72, 71, 1f)), "shape [72] instead of [71]");
    sealed(origin(f -> steps(f, "0", 72, 72, Float.NaN)), "value 3 of /values is NaN");
    sealed(origin(f -> steps(f, "2", 72, 72, 1f)), "/training/batch_loss");
  }

  private static Consumer<Hdf5Writer> origin(Consumer<Hdf5Writer> content) {
    return content.andThen(Examples.ORIGIN::write);
  }

  private static void steps(Hdf5Writer f, String step, int values, int claimed, float third) {
    f.attribute("/", "step", step);
    f.attribute("/", "number", "1");
    f.attribute("/", "seconds", "0");
    complete(f, values, claimed, third);
  }

  private static void complete(Hdf5Writer f, int values, int claimed, float third) {
    if (values > 0) {
      FloatBuffer vector = Values.allocate(values);
      vector.put(3, third);
      f.floats("/values", vector, values);
    }
    f.strings("/param_order", List.of("a"));
    f.strings("/param_shapes", List.of(Integer.toString(claimed)));
    f.attribute("/", "parameters", Integer.toString(claimed));
  }

  private void sealed(Consumer<Hdf5Writer> content, String complaint) {
    try (Hdf5Writer writer = Hdf5Writer.create(TrainingCheckpoint.KIND)) {
      content.accept(writer);
      writer.save(file);
    }
    Sentences.data(() -> TrainingCheckpoint.read(file))
        .contains("is not a valid")
        .contains(complaint);
  }
}
