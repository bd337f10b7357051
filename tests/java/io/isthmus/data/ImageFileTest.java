package io.isthmus.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.isthmus.config.DataConfig;
import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A user's HDF5 file; the files were written by h5py, see make_images.py beside them. */
class ImageFileTest {
  @TempDir Path folder;

  private static byte[] content(String name) throws IOException {
    try (InputStream in = ImageFileTest.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    }
  }

  private Path file(String name) throws IOException {
    return Files.write(folder.resolve(name), content(name));
  }

  private static void assertImages(ImageSet set, int count, int channels) {
    assertThat(set.count()).isEqualTo(count);
    assertThat(set.channels()).isEqualTo(channels);
    assertThat(set.height()).isEqualTo(5);
    assertThat(set.width()).isEqualTo(4);
    int at = 0;
    for (int n = 0; n < count; n++) {
      assertThat(set.labels()[n]).isEqualTo(n % 3);
      for (int c = 0; c < channels; c++) {
        for (int y = 0; y < 5; y++) {
          for (int x = 0; x < 4; x++) {
            int expected = (60 * n + 20 * c + 4 * y + x) % 256;
            assertThat(Byte.toUnsignedInt(set.images()[at++])).isEqualTo(expected);
          }
        }
      }
    }
  }

  @Test
  void blockOfImagesIsRead() throws IOException {
    DataSets.Parts parts = ImageFile.read(file("block.h5"));
    assertImages(parts.train(), 7, 3);
    assertImages(parts.test(), 5, 3);
    assertThat(parts.train().classes()).isEqualTo(3);
  }

  @Test
  void compressedChunksWithChannelsLastAreRead() throws IOException {
    DataSets.Parts parts = ImageFile.read(file("chunked.h5"));
    assertImages(parts.train(), 7, 3);
    assertImages(parts.test(), 5, 3);
    assertThat(parts.train().classes()).isEqualTo(10);
  }

  @Test
  void greyImagesNeedNoChannelDimension() throws IOException {
    DataSets.Parts parts = ImageFile.read(file("grey.h5"));
    assertImages(parts.train(), 7, 1);
    assertImages(parts.test(), 5, 1);
  }

  @Test
  void configurationLeadsToTheFile() throws IOException {
    String path = file("block.h5").toString();
    DataSource source = DataSets.load(new DataConfig("file", null, path, true, 0, false, 4, 0));
    assertThat(source.train().count()).isEqualTo(4);
    assertThat(source.mean()).hasSize(3);
  }

  @Test
  void unsuitableFilesAreRefusedInOneSentence() throws IOException {
    assertRefused("negative.h5", "/train/labels give image 0 the label -1; labels count from 0");
    assertRefused("wide.h5", "/train/images must be unsigned bytes (uint8); convert them");
    assertRefused("mismatch.h5", "/test/images are 3 x 6 x 4, but those of /train 3 x 5 x 4");
    assertRefused("short.h5", "/train/labels must be one per image, 7, but have the shape [6]");
    assertRefused("claims.h5", "/train/images claim 1024000 chunks, more than a file of this");
    assertRefused("link.h5", "/train/images is a link; store the data itself");
    Path text = Files.writeString(folder.resolve("text.h5"), "no HDF5 at all");
    assertThatThrownBy(() -> ImageFile.read(text))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.DATA))
        .hasMessageStartingWith(text + " cannot be read as an HDF5 file of images (");
    assertThatThrownBy(() -> ImageFile.read(folder.resolve("none.h5")))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.IO))
        .hasMessage(
            "there is no file "
                + folder.resolve("none.h5")
                + "; correct data.file, which names the images");
  }

  private void assertRefused(String name, String problem) throws IOException {
    Path path = file(name);
    assertThatThrownBy(() -> ImageFile.read(path))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.DATA))
        .hasMessageStartingWith(path + ": " + problem);
  }

  @Test
  void nothingButItsOwnExceptionComesOutOfDamagedFiles() throws IOException {
    int refused = 0;
    for (String name : List.of("block.h5", "chunked.h5", "grey.h5")) {
      byte[] sound = content(name);
      for (int seed = 0; seed < 200; seed++) {
        Random random = new Random(seed);
        byte[] bytes = sound.clone();
        if (seed % 8 == 0) {
          bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
        }
        for (int i = 0; i <= random.nextInt(3) && bytes.length > 0; i++) {
          byte value = random.nextBoolean() ? (byte) -1 : (byte) random.nextInt(256);
          bytes[random.nextInt(bytes.length)] = value;
        }
        Path path = Files.write(folder.resolve("damaged.h5"), bytes);
        String what = name + " seed " + seed;
        refused += assertTimeoutPreemptively(Duration.ofSeconds(30), () -> refuses(path), what);
      }
    }
    assertThat(refused).isBetween(50, 550);
  }

  private static int refuses(Path path) {
    try {
      ImageFile.read(path);
      return 0;
    } catch (IsthmusException e) {
      assertThat(e.code()).isIn(ExitCode.DATA, ExitCode.UNAVAILABLE);
      return 1;
    }
  }
}
