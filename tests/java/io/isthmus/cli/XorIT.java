package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Figure 8 in small: real minima of XOR with two and with three hidden neurons, all their pairs.
 */
class XorIT {
  @TempDir Path folder;

  @Test
  void twoHiddenNeuronsHaveABarrierBetweenDifferentMinimaAndThreeAreJoinedWithoutOne()
      throws IOException {
    List<Double> two = paths("xor-2", "chain");
    List<Double> lines = paths("xor-2", "line");
    double barrier = Math.log(2) / 4;
    assertThat(two).hasSizeGreaterThanOrEqualTo(3);
    for (int i = 0; i < two.size(); i++) {
      boolean different = lines.get(i) > barrier;
      assertThat(two.get(i) > barrier).as("pair %s: %s", i, lines).isEqualTo(different);
    }
    assertThat(two).anyMatch(loss -> loss > barrier);
    List<Double> three = paths("xor-3", "chain");
    assertThat(three).hasSizeGreaterThanOrEqualTo(6).allMatch(loss -> loss < barrier);
    assertThat(paths("xor-3", "line")).anyMatch(loss -> loss > barrier);
  }

  /** Runs a small version of a built-in configuration; highest losses of one kind, by pair. */
  private List<Double> paths(String name, String what) throws IOException {
    Path run = folder.resolve(name);
    if (!Files.exists(run)) {
      Run ran = Run.of("run", name, "-o", run.toString(), "-s", "training.minima=5", "--quiet");
      assertThat(ran.status()).as(ran.err()).isZero();
    }
    Run drawn = Run.of("report", run.toString(), "--figure", "8");
    assertThat(drawn.status()).as(drawn.err()).isZero();
    assertThat(drawn.out().lines()).anyMatch(line -> line.endsWith("xor.csv"));
    return Files.readAllLines(run.resolve("figures/xor.csv")).stream()
        .map(line -> line.split(",", -1))
        .filter(cells -> cells[1].equals(what))
        .map(cells -> Double.parseDouble(cells[4]))
        .toList();
  }

  @Test
  void figure8OfARunOnOtherDataIsOneSentence() throws IOException {
    Path config = TinyRun.config(folder, TinyRun.CONFIG);
    String run = folder.resolve("digits").toString();
    assertThat(Run.of("train", config.toString(), "-o", run).status()).isZero();
    Run drawn = Run.of("report", run, "--figure", "8");
    assertThat(drawn.status()).isEqualTo(65);
    assertThat(drawn.err()).contains(run + " is a run on digits").hasLineCount(1);
    assertThat(Arrays.asList(drawn.out().split("\n"))).containsExactly("");
  }
}
