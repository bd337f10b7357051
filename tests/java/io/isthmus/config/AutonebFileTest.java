package io.isthmus.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of PyTorch-AutoNEB, in the form of its last version and of an earlier one. */
class AutonebFileTest {
  @TempDir Path folder;

  private static final String CYCLES =
      """
      exploration:
        value_key: train_loss
        weight_key: saddle_train_loss
        suggest: [unfinished, disconnected, mst]
        autoneb:
          - insert: {name: equal, count: 3}
            subsample_pivot_count: 9
            spring_constant: inf
            weight_decay: 0.0001
            optim:
              nsteps: 1000
              algorithm: {name: SGD, lr: 0.1, momentum: 0.9}
              eval: {batch_size: 256}
          - insert: {name: highest, count: 2, key: dense_train_loss}
          - {}
          - optim: {nsteps: 2000}
          - insert: {count: 0}
          - optim:
              nsteps: 1000
              algorithm: {lr: 0.01}
      """;

  private static final String RESNET =
      """
      dataset: cifar10
      architecture: {name: ResNet, depth: 56}
      device: cuda
      minima_count: 7
      minimum:
        nsteps: 64000
        algorithm: {name: SGD, lr: 0.1, momentum: 0.9}
        scheduler: {name: MultiStepLR, milestones: [32000, 48000]}
        eval: {batch_size: 128}
      """
          + CYCLES;

  private static ExperimentConfig parse(String yaml, String... sets) {
    return Config.parse(yaml, "f.yaml", List.of(sets));
  }

  @Test
  void latestFormIsUnderstood() {
    ExperimentConfig c = parse(RESNET);
    assertThat(c.exploration().preset()).isEqualTo(Preset.OFFICIAL);
    assertThat(c.backend()).as("a wish, and no reason to refuse").isEqualTo("cpu");
    assertThat(c.data()).isEqualTo(new DataConfig("cifar10", null, null, false, 4, true, 0, 0));
    assertThat(c.model().spec()).isEqualTo("resnet56:shortcut=B");
    assertThat(c.training())
        .isEqualTo(
            new TrainingConfig(
                7, 128, 64_000, 0.1f, List.of(32_000L, 48_000L), 0.1f, 0.9f, false, 0));
    assertThat(c.evaluation().between()).isEqualTo(9);
    ExplorationConfig e = c.exploration();
    assertThat(e.batch()).isEqualTo(256);
    assertThat(e.initialPivots()).isEqualTo(3);
    assertThat(e.spring()).isInfinite();
    assertThat(e.weightDecay()).isEqualTo(1e-4f);
    assertThat(e.momentum()).isEqualTo(0.9f);
    assertThat(e.insertion()).isEqualTo(new InsertionConfig(0.1, 2));
    assertThat(e.cycles())
        .containsExactly(
            new CycleConfig(1000, 0.1f, true, false),
            new CycleConfig(1000, 0.1f, true, false),
            new CycleConfig(1000, 0.1f, true, false),
            new CycleConfig(2000, 0.1f, true, false),
            new CycleConfig(2000, 0.1f, false, false),
            new CycleConfig(1000, 0.01f, false, false));
  }

  @Test
  void earlierFormIsUnderstood() {
    ExperimentConfig c =
        parse(
            """
            dataset: cifar10
            architecture: ResNet-20
            minima-count: 10
            minimum:
              nsteps: 64000
              algorithm:
                name: SGD-Momentum
                args: {lr: 0.1}
              scheduler:
                name: MultiStepLR
                args: {milestones: [32000, 48000]}
              eval: {batch-size: 128}
            exploration:
              value-key: train_loss
              autoneb:
                - insert:
                    name: equal
                    args: {count: 5}
                  subsample-pivot-count: 4
                  spring-constant: 1e-9
                  optim:
                    nsteps: 10
                    algorithm:
                      name: SGD-Momentum
                      args: {lr: 0.1}
                    scheduler: null
            """);
    assertThat(c.model().spec()).isEqualTo("resnet20:shortcut=B");
    assertThat(c.training().momentum()).isEqualTo(0.9f);
    assertThat(c.exploration().initialPivots()).isEqualTo(5);
    assertThat(c.exploration().spring()).isEqualTo(1e-9f);
    assertThat(c.exploration().weightDecay()).isZero();
    assertThat(c.evaluation().between()).isEqualTo(4);
  }

  @Test
  void denseNetworksAndSurfacesAreTranslated() {
    String dense = RESNET.replace("{name: ResNet, depth: 56}", "{name: DenseNet, %s}");
    assertThat(
            parse(dense.formatted("growth_rate: 12, depth: 40, reduction: 1, bottleneck: False"))
                .model()
                .spec())
        .isEqualTo("densenet40-12");
    assertThat(
            parse(dense.formatted("growth_rate: 12, depth: 100, reduction: .5, bottleneck: True"))
                .model()
                .spec())
        .isEqualTo("densenet100-12-bc");
    assertThat(
            parse(dense.formatted("growth_rate: 12, depth: 40, reduction: .75, bottleneck: True"))
                .model()
                .spec())
        .isEqualTo("densenet40-12:bottleneck=1,compression=0.75");
    ExperimentConfig egg =
        parse(
            """
            architecture: {name: Eggcarton}
            minima_count: 3
            minimum: {nsteps: 1000, algorithm: {name: SGD, lr: 0.01}}
            exploration:
              autoneb:
                - insert: {name: equal, count: 3}
                  optim: {nsteps: 100, algorithm: {name: SGD, lr: 0.001}}
            """);
    assertThat(egg.model().spec()).isEqualTo("surface-egg-carton");
    assertThat(egg.training().momentum()).isZero();
    assertThat(egg.training().milestones()).isEmpty();
  }

  @Test
  void aCycleWithoutInsertionMayFollowTheFirst() {
    String fast =
        """
        dataset: cifar10
        architecture: {name: ResNet, depth: 20}
        minima_count: 10
        minimum: {nsteps: 64000, algorithm: {name: SGD, lr: 0.1, momentum: 0.9}}
        exploration:
          autoneb:
            - insert: {name: equal, count: 15}
              optim: {nsteps: 2000, algorithm: {name: SGD, lr: 0.1, momentum: 0.9}}
            - insert: {count: 0}
            - {}
            - insert: {name: highest, count: 2, key: dense_train_loss}
              optim: {algorithm: {lr: 0.01}}
            - insert: {count: 0}
        """;
    assertThat(parse(fast).exploration().cycles())
        .extracting(CycleConfig::insert)
        .containsExactly(true, false, false, true, false);
    assertThat(parse(fast).exploration().initialPivots()).isEqualTo(15);
    assertThatThrownBy(() -> parse(fast.replace("{count: 0}", "{count: 1}")))
        .hasMessageContaining("insert.name must be highest here, but is the text 'equal'");
  }

  @Test
  void whatWillDifferIsSaidInOneLineEach() throws Exception {
    Path file = folder.resolve("theirs.yaml");
    Files.writeString(
        file,
        RESNET.replace("mst]", "all]").replace("spring_constant: inf", "spring_constant: 1e-9"));
    Path ours = Files.writeString(folder.resolve("ours.yaml"), "model: surface-leps\n");
    assertThat(Config.differences(List.of(ours, Path.of("demo")))).isEmpty();
    assertThat(Config.differences(List.of(ours, file)))
        .allSatisfy(line -> assertThat(line).startsWith(file + ", a file of PyTorch-AutoNEB: "))
        .extracting(line -> line.replaceAll("^.*AutoNEB: (\\S+ \\S+ \\S+) .*$", "$1"))
        .containsExactly(
            "device: cuda is",
            "all random numbers",
            "a batch at",
            "exploration.suggest is not",
            "springs pull along");
  }

  @Test
  void perceptronsAndTheFlatSurfaceAreTranslated() {
    String mlp = RESNET.replace("{name: ResNet, depth: 56}", "{name: MLP, depth: 2, widths: %s}");
    assertThat(parse(mlp.formatted("64")).model().spec()).isEqualTo("mlp-64-64:batchnorm=1");
    assertThat(parse(mlp.formatted("[64, 32], batch_norm: False")).model().spec())
        .isEqualTo("mlp-64-32");
    assertThatThrownBy(() -> parse(mlp.formatted("[64]")))
        .hasMessage("f.yaml:2:15: widths has 1 values, but depth is 2");
    ExperimentConfig flat =
        parse(
            """
            architecture: {name: Flat}
            minima_count: 2
            minimum: {nsteps: 0, algorithm: {name: SGD, lr: 0.01}}
            exploration:
              autoneb:
                - insert: {name: equal, count: 3}
                  spring_constant: 1e-9
                  optim: {nsteps: 10, algorithm: {name: SGD, lr: 0.001}}
            """);
    assertThat(flat.model().spec()).isEqualTo("surface-flat");
    assertThat(flat.training().steps()).isZero();
  }

  @Test
  void convolutionalNetworksAreTranslated() {
    String cnn =
        RESNET.replace(
            "{name: ResNet, depth: 56}",
            "{name: CNN, conv_depth: 2, num_filters: 48, filter_size: 5, padding_size: 2,"
                + " pool_size: 2, dense_depth: 1, num_dense_units: 256}");
    assertThat(parse(cnn).model().spec()).isEqualTo("cnn-48-48:kernel=5,dense=256,batchnorm=1");
    assertThatThrownBy(() -> parse(cnn.replace("padding_size: 2", "padding_size: 0")))
        .hasMessage("f.yaml:2:89: architecture.padding_size must be 2 here, but is 0");
  }

  @Test
  void overridesApplyToTheTranslation() {
    ExperimentConfig c = parse(RESNET, "exploration.autoneb.0.steps=3", "backend=cuda");
    assertThat(c.exploration().cycles().get(0).steps()).isEqualTo(3);
    assertThat(c.backend()).isEqualTo("cuda");
  }

  @Test
  void milestonesThatTrainingNeverReachesAreLeftOut() {
    ExperimentConfig c = parse(RESNET.replace("nsteps: 64000", "nsteps: 40000"));
    assertThat(c.training().milestones()).containsExactly(32_000L);
  }

  @Test
  void whatCannotBeComputedIsRefusedWithItsPlace() {
    assertThatThrownBy(() -> parse(RESNET.replace("ResNet, depth: 56", "Transformer")))
        .hasMessageStartingWith(
            "f.yaml:2:22: the architecture 'Transformer' of PyTorch-AutoNEB is not");
    assertThatThrownBy(() -> parse(RESNET.replace("name: SGD, lr: 0.1", "name: Adam, lr: 0.1")))
        .hasMessage(
            "f.yaml:7:21: minimum.algorithm.name must be SGD or SGD-Momentum here, but is the text"
                + " 'Adam'");
    assertThatThrownBy(() -> parse(RESNET.replace("minima_count", "minima_cuont")))
        .hasMessageStartingWith("f.yaml:4:1: there is no setting minima_cuont")
        .hasMessageEndingWith("(did you mean minima_count?)");
    assertThatThrownBy(
            () -> parse(RESNET.replace("{nsteps: 2000}", "{nsteps: 2, eval: {batch_size: 9}}")))
        .hasMessage(
            "f.yaml:25:7: exploration.batch changes from 256 to 9 in this cycle; it must be the"
                + " same in all");
    assertThatThrownBy(() -> parse(RESNET.replace("nsteps: 64000", "nsteps: many")))
        .hasMessage("f.yaml:6:11: training.steps must be a whole number, but is the text 'many'");
  }

  @Test
  void nothingButItsOwnExceptionComesOutOfDamagedText() {
    String syntax = ":-[]{},#&*\n 0.9einf~";
    for (int seed = 0; seed < 500; seed++) {
      Random r = new Random(seed);
      StringBuilder yaml = new StringBuilder(RESNET);
      for (int edits = 1 + r.nextInt(3); edits > 0; edits--) {
        int at = r.nextInt(yaml.length());
        int end = Math.min(yaml.length(), at + 1 + r.nextInt(20));
        if (r.nextBoolean()) {
          yaml.delete(at, end);
        } else {
          yaml.insert(at, syntax.charAt(r.nextInt(syntax.length())));
        }
      }
      try {
        parse(yaml.toString());
      } catch (IsthmusException e) {
        assertThat(e.getMessage()).startsWith("f.yaml:");
      }
    }
  }
}
