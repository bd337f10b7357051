package io.isthmus.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.isthmus.engine.TensorInfo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Isthmus's own files through the door for strangers, and what is told about them. */
class OwnFilesImportIT {
  @TempDir Path folder;

  @Test
  void aMinimumComesInInTheOrderOfTheModel() {
    Path file = folder.resolve("minimum.h5");
    MinimumFile minimum = Examples.minimum(1);
    minimum.write(file);
    List<TensorInfo> reversed = new ArrayList<>(Examples.TENSORS.subList(0, 5));
    Collections.reverse(reversed);
    reversed.addAll(Examples.TENSORS.subList(5, 7));
    List<TensorInfo> model = new ArrayList<>();
    long offset = 0;
    for (TensorInfo tensor : reversed) {
      model.add(new TensorInfo(tensor.name(), tensor.statistic(), offset, tensor.shape()));
      offset += tensor.size();
    }
    StateDict state = Import.stateDict(file, model);
    for (int i = 0; i < model.size(); i++) {
      String name = model.get(i).name();
      TensorInfo original =
          Examples.TENSORS.stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
      assertThat(state.values(model.get(i))).isEqualTo(minimum.state().values(original));
    }
    Sentences.data(() -> minimum.state().requireLayout(model, file)).contains("another order");
    Sentences.data(() -> Import.path(file, Examples.TENSORS))
        .contains("holds a minimum, but a path or stacked path is needed here");
  }

  @Test
  void aPathComesIn() {
    Path file = folder.resolve("cycle-03.h5");
    PathFile path = Examples.path(1);
    path.write(file);
    assertThat(Import.path(file, Examples.TENSORS)).isEqualTo(path.pivots());
    Sentences.data(() -> Import.stateDict(file, Examples.TENSORS))
        .contains("holds a path, but a minimum is needed here");
  }

  @Test
  void aStackedPathComesBackAndIn() {
    Path file = folder.resolve("stacked.h5");
    StackedPath path = StackedPath.of(Examples.path(1));
    path.write(file);
    StackedPath back = StackedPath.read(file);
    assertThat(back.pivots()).isEqualTo(path.pivots());
    assertThat(back.pair()).isEqualTo(path.pair());
    assertThat(back.cycle()).isEqualTo(3);
    assertThat(back.origin()).isEqualTo(path.origin());
    assertThat(Import.path(file, Examples.TENSORS)).isEqualTo(path.pivots());
    assertThat(Import.points(file, Examples.TENSORS)).isEqualTo(path.pivots());
    assertThat(FileSummary.of(file).datasets())
        .containsEntry("/state_dict/conv1.weight", "[5, 2, 3, 3, 3]");
    Sentences.data(() -> Import.stateDict(file, Examples.TENSORS))
        .contains("holds a stacked path, but a minimum is needed here");
  }

  @Test
  void aSummarySaysWhatAFileIs() {
    Path file = folder.resolve("checkpoint.h5");
    Examples.checkpoint(1).write(file);
    FileSummary summary = FileSummary.of(file);
    assertThat(summary.format()).isEqualTo("isthmus");
    assertThat(summary.kind()).isEqualTo("path-checkpoint");
    assertThat(summary.verified()).isTrue();
    assertThat(summary.attributes()).containsEntry("pair", "0002-0003").containsEntry("step", "7");
    assertThat(summary.datasets()).containsEntry("/pivots", "[5, 72]");
  }

  @Test
  void anotherExperimentIsNamed() {
    Origin other = new Origin("resnet20", "cifar10", Examples.ORIGIN.precision(), 1);
    Sentences.data(() -> other.require(Examples.ORIGIN, "checkpoint.h5"))
        .contains("resnet8:shortcut=B on digits", "instead of resnet20 on cifar10");
    other.require(new Origin("resnet20", "cifar10", Examples.ORIGIN.precision(), 1), "same");
  }
}
