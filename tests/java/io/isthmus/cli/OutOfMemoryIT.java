package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run for which the machine has not enough memory (here: a shell's limit on address space). */
class OutOfMemoryIT {
  /** What the JVM reserves for itself, and some; one point of the network below takes 6 GiB. */
  private static final String LIMITED = "ulimit -v 8000000 && exec \"$@\"";

  @TempDir Path folder;

  @Test
  void endsWith69AndSaysWhatWasAskedForAndWhatThereIsAndLeavesTheFolderToAnother()
      throws Exception {
    Path work = Files.createDirectory(folder.resolve("work"));
    TinyRun.config(work, TinyRun.CONFIG);
    List<String> large = List.of("run", "tiny.yaml", "-o", "run", "-s", "model=mlp-40000-40000");
    Run refused;
    try (Child child =
        Child.start(work, Isthmus.class, large, List.of("sh", "-c", LIMITED, "sh"), Map.of())) {
      refused = child.finish();
    }
    assertThat(refused.status()).as(refused.err()).isEqualTo(69);
    assertThat(refused.out()).isEmpty();
    assertThat(refused.err())
        .containsPattern("out of memory: asked for \\d+ MiB, \\d+ MiB are available; use fewer")
        .doesNotContain("\tat ");
    try (Child child = Child.start(work, List.of("train", "tiny.yaml", "-o", "run"))) {
      Run other = child.finish();
      assertThat(other.status()).as(other.err()).isZero();
    }
  }
}
