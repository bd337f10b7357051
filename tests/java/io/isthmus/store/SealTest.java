package io.isthmus.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The first 512 bytes of a file. */
class SealTest {
  private static final Seal SEAL =
      new Seal(
          1, "path-checkpoint", 123_456, Digests.sha256().digest("content".getBytes(US_ASCII)));

  @Test
  void isReadableTextOf512BytesAndComesBack() {
    byte[] block = SEAL.render();
    assertThat(block).hasSize(512);
    assertThat(new String(block, US_ASCII))
        .startsWith("isthmus 1 path-checkpoint\nbytes 123456\nsha256 ");
    Seal back = Seal.parse(ByteBuffer.wrap(block)).orElseThrow();
    assertThat(back).usingRecursiveComparison().isEqualTo(SEAL);
  }

  @Test
  void aFlippedBitAnywhereNeverGivesTheSameSeal() {
    for (int bit = 0; bit < 512 * 8; bit++) {
      byte[] block = SEAL.render();
      block[bit / 8] ^= (byte) (1 << (bit % 8));
      Optional<Seal> back = Seal.parse(ByteBuffer.wrap(block));
      // What is left readable differs in a field that is compared with the rest of the file.
      assertThat(
              back.isEmpty()
                  || back.get().version() != SEAL.version()
                  || !back.get().kind().equals(SEAL.kind())
                  || back.get().bytes() != SEAL.bytes()
                  || !Arrays.equals(back.get().sha256(), SEAL.sha256()))
          .as("bit %d", bit)
          .isTrue();
    }
  }

  @Test
  void shortBlocksAreRefused() {
    for (int length = 0; length < 512; length++) {
      assertThat(Seal.parse(ByteBuffer.wrap(SEAL.render(), 0, length))).isEmpty();
    }
  }
}
