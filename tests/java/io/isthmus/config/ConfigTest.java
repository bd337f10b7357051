package io.isthmus.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user writes, and what comes of it. */
class ConfigTest {
  private static final String SMALL = "data: cifar10\nmodel: resnet20\n";

  @TempDir Path folder;

  private static ExperimentConfig parse(String yaml, String... sets) {
    return Config.parse(yaml, "f.yaml", List.of(sets));
  }

  private static void assertRefused(String yaml, String message, String... sets) {
    assertThatThrownBy(() -> parse(yaml, sets))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.USAGE))
        .hasMessage(message);
  }

  private Path file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text);
  }

  // --- presets

  @Test
  void paperPresetIsTheTableOfTheMission() {
    ExperimentConfig c = parse(SMALL);
    ExplorationConfig e = c.exploration();
    assertThat(e.preset()).isEqualTo(Preset.PAPER);
    assertThat(e.spacing()).isEqualTo(Spacing.EQUAL);
    assertThat(e.insertion()).isEqualTo(new InsertionConfig(0.2, 0));
    assertThat(e.tangent()).isEqualTo(Tangent.IMPROVED);
    assertThat(e.geometry()).isEqualTo(Geometry.PARAMETERS);
    assertThat(e.statistics()).isEqualTo(StatisticsConvention.RECOMPUTED);
    assertThat(e.pairValue()).isEqualTo(PairValue.LAST);
    assertThat(e.weightDecay()).isEqualTo(1e-4f);
    assertThat(e.spring()).isInfinite();
    assertThat(c.training().weightDecay()).isEqualTo(1e-4f);
    assertThat(c.evaluation().trainPass()).isEqualTo(TrainPass.CLEAN);
    assertThat(c.data().normalise()).isTrue();
    assertThat(parse("data: cifar10\nmodel: densenet40-12\n").exploration().batch()).isEqualTo(64);
  }

  @Test
  void officialPresetIsTheTableOfTheMission() {
    ExperimentConfig c = parse("preset: official\n" + SMALL);
    ExplorationConfig e = c.exploration();
    assertThat(e.preset()).isEqualTo(Preset.OFFICIAL);
    assertThat(e.spacing()).isEqualTo(Spacing.TARGET);
    assertThat(e.insertion()).isEqualTo(new InsertionConfig(0.1, 2));
    assertThat(e.tangent()).isEqualTo(Tangent.OFFICIAL);
    assertThat(e.geometry()).isEqualTo(Geometry.ALL);
    assertThat(e.statistics()).isEqualTo(StatisticsConvention.INTERPOLATED);
    assertThat(e.pairValue()).isEqualTo(PairValue.BEST_CYCLE);
    assertThat(c.training().weightDecay()).isZero();
    assertThat(c.evaluation().trainPass()).isEqualTo(TrainPass.AUGMENTED);
    assertThat(c.data().normalise()).isFalse();
    assertThat(e.cycles()).allMatch(CycleConfig::insert);
    String dense = "preset: official\ndata: cifar10\nmodel: densenet40-12\n";
    assertThat(parse(dense).exploration().batch()).isEqualTo(256);
  }

  @Test
  void everyDifferenceOfThePresetsIsASettingOfItsOwn() {
    String paper = Config.toYaml(parse(SMALL)).replace("preset: paper", "preset: official");
    assertThat(Config.diff(parse(SMALL), parse(paper)))
        .containsExactly("preset: paper -> official");
  }

  @Test
  void scheduleIsThePapers() {
    List<CycleConfig> cycles = parse(SMALL).exploration().cycles();
    assertThat(cycles).hasSize(14);
    assertThat(cycles.stream().mapToInt(CycleConfig::steps).sum()).isEqualTo(16_000);
    assertThat(cycles.subList(0, 4)).containsOnly(new CycleConfig(1000, 0.1f, true, false));
    assertThat(cycles.subList(4, 6)).containsOnly(new CycleConfig(2000, 0.1f, false, false));
    assertThat(cycles.subList(6, 10)).containsOnly(new CycleConfig(1000, 0.01f, true, false));
    assertThat(cycles.subList(10, 14)).containsOnly(new CycleConfig(1000, 0.001f, true, false));
  }

  @Test
  void trainingFollowsTheKindOfNetwork() {
    TrainingConfig resnet = parse(SMALL).training();
    assertThat(resnet.milestones()).containsExactly(32_000L, 48_000L);
    assertThat(resnet.steps()).isEqualTo(64_000);
    assertThat(resnet.batch()).isEqualTo(128);
    assertThat(resnet.nesterov()).isFalse();
    TrainingConfig dense = parse("data: cifar100\nmodel: densenet100-12-bc\n").training();
    assertThat(dense.steps()).isEqualTo(300L * 50_000 / 64);
    assertThat(dense.milestones()).containsExactly(117_187L, 175_781L);
    assertThat(dense.batch()).isEqualTo(64);
    assertThat(dense.nesterov()).isTrue();
  }

  @Test
  void pathBatchFollowsTheNetwork() {
    assertThat(parse("data: cifar10\nmodel: resnet32\n").exploration().batch()).isEqualTo(512);
    assertThat(parse("data: cifar10\nmodel: resnet44\n").exploration().batch()).isEqualTo(256);
    assertThat(parse("data: cifar10\nmodel: resnet56:shortcut=B\n").exploration().batch())
        .isEqualTo(256);
    assertThat(parse("data: xor\nmodel: mlp-3\n").exploration().batch()).isEqualTo(4);
  }

  @Test
  void milestonesOfTheDefaultScheduleFollowTheSteps() {
    assertThat(parse(SMALL + "training: {steps: 1000}\n").training().milestones())
        .containsExactly(500L, 750L);
    assertThat(parse(SMALL + "training: {steps: 0}\n").training().milestones()).isEmpty();
  }

  @Test
  void learningRateFallsAtTheMilestones() {
    TrainingConfig t = parse(SMALL).training();
    assertThat(t.learningRateAt(31_999)).isEqualTo(0.1f);
    assertThat(t.learningRateAt(32_000)).isEqualTo(0.01f);
    assertThat(t.learningRateAt(48_000)).isEqualTo(0.001f);
  }

  @Test
  void onlyPhotographsAreCroppedAndFlipped() {
    assertThat(parse(SMALL).data().cropPadding()).isEqualTo(4);
    assertThat(parse("data: mnist\nmodel: resnet8\n").data().flip()).isFalse();
    assertThat(parse("data: digits\nmodel: resnet8\n").data().cropPadding()).isZero();
  }

  @Test
  void surfaceNeedsNoData() {
    ExperimentConfig c = parse("model: surface-leps\n");
    assertThat(c.data().name()).isEqualTo("none");
    assertThat(c.training().batch()).isEqualTo(1);
    assertThat(c.exploration().momentum()).isZero();
  }

  // --- merging, overriding

  @Test
  void laterFilesWinKeyByKey() throws Exception {
    Path first = file("a.yaml", SMALL + "training: {batch: 32, milestones: [10, 20]}\n");
    Path second = file("b.yaml", "training: {milestones: [30], steps: 99}\nseed: 7\n");
    ExperimentConfig c = Config.load(List.of(first, second), List.of());
    assertThat(c.training().batch()).isEqualTo(32);
    assertThat(c.training().milestones()).containsExactly(30L);
    assertThat(c.seed()).isEqualTo(7);
  }

  @Test
  void cyclesInheritFromThePreviousOne() {
    ExperimentConfig c =
        parse(
            SMALL
                + "exploration:\n"
                + "  autoneb:\n"
                + "    - {steps: 5, learning_rate: 0.5}\n"
                + "    - {}\n"
                + "    - {insert: false}\n"
                + "    - {climbing: true, steps: 6}\n");
    assertThat(c.exploration().cycles())
        .containsExactly(
            new CycleConfig(5, 0.5f, true, false),
            new CycleConfig(5, 0.5f, true, false),
            new CycleConfig(5, 0.5f, false, false),
            new CycleConfig(6, 0.5f, false, true));
  }

  @Test
  void overrideActsAsIfWrittenInTheFile() {
    List<CycleConfig> cycles =
        parse(SMALL, "exploration.autoneb.0.steps=200", "exploration.autoneb.13.climbing=true")
            .exploration()
            .cycles();
    assertThat(cycles.stream().map(CycleConfig::steps).toList().subList(0, 5))
        .containsExactly(200, 200, 200, 200, 2000);
    assertThat(cycles.get(13).climbing()).isTrue();
    assertThat(cycles.get(12).climbing()).isFalse();
  }

  @Test
  void overridesTakeEveryKindOfValue() {
    ExperimentConfig c =
        parse(
            SMALL + "training: {batch: 64}\n",
            "data=mnist",
            "model = resnet8:shortcut=B",
            "training.milestones=[1, 2]",
            "exploration.spring=inf",
            "exploration.insertion={threshold: 1e-1}",
            "training.batch=",
            "data.folder=/data/my mnist");
    assertThat(c.data().name()).isEqualTo("mnist");
    assertThat(c.data().folder()).isEqualTo("/data/my mnist");
    assertThat(c.model().spec()).isEqualTo("resnet8:shortcut=B");
    assertThat(c.training().milestones()).containsExactly(1L, 2L);
    assertThat(c.exploration().insertion().threshold()).isEqualTo(0.1);
    assertThat(c.training().batch()).isEqualTo(128);
  }

  @Test
  void laterOverridesWin() {
    assertThat(parse(SMALL, "seed=1", "seed=2").seed()).isEqualTo(2);
  }

  @Test
  void emptyKeyStandsForTheDefault() {
    ExperimentConfig c = parse(SMALL + "training:\nexploration: {batch: , spring: ~}\n");
    assertThat(c).isEqualTo(parse(SMALL));
  }

  // --- round trip and difference

  @Test
  void writtenConfigurationLoadsEqual() {
    for (String name : BuiltinConfigs.names()) {
      ExperimentConfig c = Config.load(List.of(Path.of(name)), List.of());
      assertThat(parse(Config.toYaml(c))).isEqualTo(c);
      assertThat(Config.toYaml(parse(Config.toYaml(c)))).isEqualTo(Config.toYaml(c));
    }
  }

  @Test
  void anyConfigurationSurvivesWritingAndReading() {
    for (int seed = 0; seed < 300; seed++) {
      ExperimentConfig c = arbitrary(new Random(seed));
      assertThat(parse(Config.toYaml(c))).as("seed %s", seed).isEqualTo(c);
    }
  }

  private static ExperimentConfig arbitrary(Random r) {
    int steps = r.nextInt(1000);
    List<Long> milestones =
        IntStream.generate(() -> 1 + r.nextInt(steps + 1))
            .limit(r.nextInt(4))
            .filter(m -> m <= steps)
            .distinct()
            .sorted()
            .mapToObj(Long::valueOf)
            .toList();
    List<CycleConfig> cycles = new ArrayList<>();
    for (int i = 0; i <= r.nextInt(5); i++) {
      float rate = Math.abs(Float.intBitsToFloat(r.nextInt()));
      cycles.add(
          new CycleConfig(
              1 + r.nextInt(9),
              rate > 0 && Float.isFinite(rate) ? rate : 0.1f,
              r.nextBoolean(),
              r.nextBoolean()));
    }
    String path =
        r.ints(r.nextInt(12), 0, 0x3000)
            .filter(ch -> Character.isDefined(ch) && !Character.isSurrogate((char) ch))
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return new ExperimentConfig(
        r.nextLong() >> r.nextInt(64),
        List.of("cpu", "cuda", "emulated").get(r.nextInt(3)),
        r.nextInt(9),
        Precision.values()[r.nextInt(3)],
        new DataConfig("file", null, path, r.nextBoolean(), r.nextInt(9), r.nextBoolean(), 0, 3),
        new ModelConfig(r.nextBoolean() ? "mlp" : "resnet8:width=" + r.nextInt(9)),
        new TrainingConfig(
            1 + r.nextInt(9),
            1 + r.nextInt(9),
            steps,
            1 / (1 + r.nextFloat()),
            milestones,
            0.5f,
            r.nextFloat(),
            false,
            r.nextFloat()),
        new ExplorationConfig(
            Preset.values()[r.nextInt(2)],
            1 + r.nextInt(9),
            1 + r.nextInt(9),
            Spacing.values()[r.nextInt(2)],
            Tangent.values()[r.nextInt(3)],
            Geometry.values()[r.nextInt(2)],
            r.nextBoolean() ? Float.POSITIVE_INFINITY : r.nextFloat(),
            r.nextFloat(),
            false,
            r.nextFloat() * 1e-30f,
            new InsertionConfig(r.nextDouble(), r.nextInt(3)),
            cycles,
            PairValue.values()[r.nextInt(2)],
            StatisticsConvention.values()[r.nextInt(2)],
            r.nextDouble(),
            r.nextInt(9)),
        new EvaluationConfig(
            r.nextInt(9), 1 + r.nextInt(9), TrainPass.values()[r.nextInt(2)], r.nextInt(9)),
        new CheckpointConfig(1 + r.nextInt(9), 1e9 * r.nextDouble() + 1e-9));
  }

  @Test
  void differenceNamesEachSetting() {
    ExperimentConfig before = parse(SMALL);
    ExperimentConfig after =
        parse(SMALL, "training.batch=64", "exploration.autoneb=[{steps: 7}]", "seed=1");
    assertThat(Config.diff(before, before)).isEmpty();
    assertThat(Config.diff(before, after))
        .contains("training.batch: 128 -> 64")
        .contains(
            "exploration.autoneb.0: {steps: 1000, learning_rate: 0.1, insert: true, climbing:"
                + " false} -> {steps: 7, learning_rate: 0.1, insert: true, climbing: false}")
        .anyMatch(line -> line.matches("exploration.autoneb.13: \\{.*\\} -> \\(none\\)"))
        .hasSize(15);
  }

  // --- mistakes: each with its place

  @Test
  void unknownSettingIsNamedWithItsNeighbour() {
    assertRefused(
        SMALL + "training:\n  bacth: 3\n",
        "f.yaml:4:3: there is no setting training.bacth (did you mean batch?)");
    assertRefused(
        SMALL + "checkpoint: {frequency: 3}\n",
        "f.yaml:3:14: there is no setting checkpoint.frequency; here go interval_steps,"
            + " interval_seconds");
  }

  @Test
  void allMistakesOfFormAreNamedAtOnce() {
    assertRefused(
        "data: {name: cifr10, flip: 1}\nmodel: 20\nprecision: FP32\ntraining: [1]\nseed: 1.5\n",
        "f.yaml:1:14: data.name must be one of digits, cifar10, cifar100, mnist, fashion-mnist,"
            + " xor, file, none, but is the text 'cifr10' (did you mean cifar10?)\n"
            + "f.yaml:1:28: data.flip must be true or false, but is 1\n"
            + "f.yaml:2:8: model.spec must be a text, but is 20\n"
            + "f.yaml:3:12: precision must be one of fp32, bf16, fp16, but is the text 'FP32'"
            + " (did you mean fp32?)\n"
            + "f.yaml:4:11: training must be a mapping of settings, but is a list\n"
            + "f.yaml:5:7: seed must be a whole number, but is 1.5");
  }

  @Test
  void duplicateKeyIsNamedWithBothPlaces() {
    assertRefused(
        SMALL + "training:\n  batch: 3\n  steps: 4\n  batch: 3\n",
        "f.yaml:6:3: 'batch' stands here a second time, after f.yaml:4:3");
  }

  @Test
  void brokenYamlIsNamedWithItsPlace() {
    assertThatThrownBy(() -> parse("data: cifar10\nmodel: [1, 2\nseed: 3\n"))
        .isInstanceOf(IsthmusException.class)
        .hasMessageStartingWith("f.yaml:3:5: is not valid YAML: while parsing a flow sequence");
  }

  @Test
  void valuesOutOfRangeAreNamedWithTheirPlace() {
    assertRefused(
        SMALL + "training:\n  batch: 0\n",
        "f.yaml:4:10: training.batch must be at least 1, but is 0");
    assertRefused(
        SMALL + "training: {learning_rate: .nan}\n",
        "f.yaml:3:27: training.learning_rate must be a finite number greater than 0, but is NaN");
    assertRefused(
        SMALL + "training: {batch: 3000000000}\n",
        "f.yaml:3:19: training.batch must be at most 2147483647, but is 3000000000");
    assertRefused(
        SMALL + "training: {momentum: 1}\n",
        "f.yaml:3:22: training.momentum must be at least 0 and less than 1, but is 1");
    assertRefused(
        SMALL + "exploration:\n  autoneb:\n    - {steps: 1}\n    - {steps: 0}\n",
        "f.yaml:6:15: exploration.autoneb.1.steps must be at least 1, but is 0");
    assertRefused(
        SMALL + "exploration: {spring: -1}\n",
        "f.yaml:3:23: exploration.spring must be at least 0 or inf, but is -1.0");
    assertRefused(
        SMALL + "exploration: {autoneb: []}\n",
        "f.yaml:3:24: exploration.autoneb needs at least one cycle");
  }

  @Test
  void settingsThatContradictEachOtherAreNamed() {
    assertRefused(
        SMALL + "training: {steps: 100, milestones: [50, 40]}\n",
        "f.yaml:3:41: training.milestones.1 must be greater than the milestone before it, 50, but"
            + " is 40");
    assertRefused(
        SMALL + "training: {steps: 100, milestones: [50, 101]}\n",
        "f.yaml:3:41: training.milestones.1 is 101, after the last of 100 steps; move it or raise"
            + " steps");
    assertRefused(
        "data: {name: xor, crop_padding: 2}\nmodel: mlp-3\n",
        "f.yaml:1:33: data.crop_padding is for images; use 0 with name: xor");
    assertRefused(
        "data: xor\nmodel: resnet8\n",
        "f.yaml:2:8: model.spec is resnet8, but xor has single pixels; use a perceptron such as"
            + " mlp-3");
    assertRefused(
        "data: digits\nmodel: resnet8\nexploration: {batch: 2000}\n",
        "f.yaml:3:22: exploration.batch must be at most the number of training images, 1438, but"
            + " is 2000");
    assertRefused(
        "data: {name: digits, train_limit: 50}\nmodel: resnet8\ntraining: {batch: 64}\n",
        "f.yaml:3:19: training.batch must be at most the number of training images, 50, but is"
            + " 64");
    assertRefused(
        "data: cifar10\nmodel: surface-leps\n",
        "f.yaml:1:7: data.name must be none for the surface surface-leps, but is cifar10");
    assertRefused(
        "data: {name: file}\nmodel: resnet8\n",
        "f.yaml:1:7: data.file is missing: name: file needs the path of an HDF5 file of images");
    assertRefused(
        SMALL + "training: {nesterov: true, momentum: 0}\n",
        "f.yaml:3:22: training.nesterov needs a momentum greater than 0; raise training.momentum"
            + " or use false");
  }

  @Test
  void missingEssentialsAreNamed() {
    assertRefused("", "f.yaml:1:1: model is missing: say which network, such as model: resnet20");
    assertRefused(
        "model: resnet8\n",
        "f.yaml:1:1: data is missing: say which images, such as data: cifar10; there are cifar10,"
            + " cifar100, digits, fashion-mnist, mnist, xor and file");
    assertRefused(
        "data: cifar10\nmodel: alexnet\n",
        "f.yaml:2:8: model.spec is 'alexnet', which is none of resnet<depth>,"
            + " densenet<depth>-<growth>[-bc], mlp[-<width>...], cnn-<width>[-<width>...],"
            + " surface-<name>");
  }

  @Test
  void mistakesInTheModelAreNamed() {
    assertThatThrownBy(() -> parse("data: cifar10\nmodel: resent20:shortcut=B\n"))
        .hasMessageStartingWith("f.yaml:2:8: model.spec is 'resent20:shortcut=B', which is none")
        .hasMessageEndingWith(" (did you mean resnet20?)");
    assertRefused(
        "data: cifar10\nmodel: resnet20:shorcut=B\n",
        "f.yaml:2:8: model.spec is 'resnet20:shorcut=B', but resnet<depth> has shortcut, width,"
            + " not 'shorcut' (did you mean shortcut?)");
    assertRefused(
        "data: cifar10\nmodel: {spec: 'resnet20:width=16,'}\n",
        "f.yaml:2:15: model.spec is 'resnet20:width=16,', but options are written key=value, not"
            + " ''");
    assertRefused(
        "model: surface-leps:a=1\n",
        "f.yaml:1:8: model.spec is 'surface-leps:a=1', but surface-<name> has no options, not"
            + " 'a'");
  }

  @Test
  void mistakesInOverridesNameTheOverride() {
    assertRefused(
        SMALL,
        "-s trainng.batch=3: there is no setting trainng (did you mean training?)",
        "trainng.batch=3");
    assertRefused(
        SMALL,
        "-s training.batch=0: training.batch must be at least 1, but is 0",
        "training.batch=0");
    assertRefused(
        SMALL,
        "-s training: write an override as key=value, such as -s training.batch=64",
        "training");
    assertRefused(
        SMALL, "-s a..b=1: write an override as key=value, such as -s training.batch=64", "a..b=1");
    assertRefused(
        SMALL,
        "-s exploration.autoneb.14.steps=1: exploration.autoneb has 14 entries, numbered from 0,"
            + " so '14' is none of them",
        "exploration.autoneb.14.steps=1");
    assertRefused(
        SMALL, "-s seed.x=1: nothing can be set inside seed, which is 5", "seed=5", "seed.x=1");
    assertRefused(
        SMALL + "precision: fp64\n",
        "f.yaml:3:12: precision must be one of fp32, bf16, fp16, but is the text 'fp64'",
        "exploration.autoneb.0.steps=1");
  }

  @Test
  void whatYamlCanDoBeyondNeedIsRefused() {
    assertRefused(
        "data: &a cifar10\nmodel: *a\n",
        "f.yaml:1:7: anchors (&) and aliases (*) are not supported; write the value out");
    assertRefused(
        "seed: !!java.net.URL 3\n",
        "f.yaml:1:7: tags (!) are not supported; remove tag:yaml.org,2002:java.net.URL");
    assertRefused("? [a]\n: 1\n", "f.yaml:1:3: a key must be a single word");
    assertRefused(
        "seed: 1\n---\nseed: 2\n", "f.yaml:3:1: a second document begins; keep one per file");
    assertRefused(
        "- 1\n", "f.yaml:1:1: a configuration must be a mapping of settings, but is a list");
    assertThatThrownBy(() -> parse("a: " + "[".repeat(50_000)))
        .isInstanceOf(IsthmusException.class);
    assertThatThrownBy(() -> parse("a: " + "[".repeat(30) + "]".repeat(30)))
        .hasMessageContaining("nested deeper than 20 levels");
  }

  @Test
  void fileThatCannotBeReadIsNamed() throws Exception {
    assertThatThrownBy(() -> Config.load(List.of(Path.of("cifar10-resnet200")), List.of()))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.IO))
        .hasMessageStartingWith(
            "there is no file cifar10-resnet200 and no built-in configuration of that name (did you"
                + " mean cifar10-resnet20?); built in are demo, ");
    assertThatThrownBy(() -> Config.load(List.of(folder), List.of()))
        .hasMessage(folder + " is a folder; give a configuration file");
    Path latin =
        Files.write(folder.resolve("l.yaml"), "seed: \u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> Config.load(List.of(latin), List.of()))
        .hasMessage(latin + " is not UTF-8 text; save it as UTF-8 or give another file");
    Path large = Files.write(folder.resolve("large.yaml"), new byte[(1 << 20) + 1]);
    assertThatThrownBy(() -> Config.load(List.of(large), List.of()))
        .hasMessageContaining("is larger than 1 MiB");
  }

  @Test
  void nothingButItsOwnExceptionComesOutOfDamagedText() {
    List<String> texts =
        BuiltinConfigs.names().stream()
            .map(name -> BuiltinConfigs.text(name).orElseThrow())
            .toList();
    String syntax = ":-[]{},#&*!|>'\"%@`?\n \t0.9einf~\0\u2028\ufeff";
    int loaded = 0;
    for (int seed = 0; seed < 1000; seed++) {
      Random r = new Random(seed);
      StringBuilder yaml = new StringBuilder(texts.get(r.nextInt(texts.size())));
      if (r.nextBoolean()) {
        yaml = new StringBuilder(Config.toYaml(parse(yaml.toString())));
      }
      for (int edits = 1 + r.nextInt(4); edits > 0; edits--) {
        int at = r.nextInt(yaml.length());
        int end = Math.min(yaml.length(), at + 1 + r.nextInt(r.nextBoolean() ? 1 : 40));
        switch (r.nextInt(3)) {
          case 0 -> yaml.delete(at, end);
          case 1 -> yaml.insert(at, syntax.charAt(r.nextInt(syntax.length())));
          default -> yaml.insert(r.nextInt(yaml.length()), yaml.substring(at, end));
        }
      }
      try {
        ExperimentConfig c = parse(yaml.toString());
        assertThat(parse(Config.toYaml(c))).isEqualTo(c);
        loaded++;
      } catch (IsthmusException e) {
        assertThat(e.code()).isEqualTo(ExitCode.USAGE);
        assertThat(e.getMessage()).startsWith("f.yaml:");
      }
    }
    assertThat(loaded).isBetween(30, 970);
  }
}
