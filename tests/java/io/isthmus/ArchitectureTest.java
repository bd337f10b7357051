package io.isthmus;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.List;
import java.util.stream.Stream;

/** The order of the packages, and where the boundary to native code lies. */
@AnalyzeClasses(packages = "io.isthmus", importOptions = ArchitectureTest.MainClasses.class)
class ArchitectureTest {
  static final class MainClasses implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/test-classes/");
    }
  }

  /** Each package uses those to its left, never one to its right. */
  private static final List<String> ORDER =
      Stream.of(
              "config",
              "data",
              "engine",
              "neb",
              "landscape",
              "baseline",
              "analysis",
              "store",
              "report",
              "experiment",
              "cli")
          .map(name -> "io.isthmus." + name + "..")
          .toList();

  @ArchTest
  static void data_flows_one_way(JavaClasses classes) {
    for (int i = 0; i < ORDER.size() - 1; i++) {
      String[] right = ORDER.subList(i + 1, ORDER.size()).toArray(String[]::new);
      noClasses()
          .that()
          .resideInAPackage(ORDER.get(i))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(right)
          .allowEmptyShould(true)
          .check(classes);
    }
  }

  @ArchTest
  static final ArchRule every_class_has_its_place_in_the_order =
      classes().should().resideInAnyPackage(ORDER.toArray(String[]::new));

  @ArchTest
  static final ArchRule only_the_engine_sees_the_generated_package =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.isthmus.engine..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.isthmus.engine.c..");

  @ArchTest
  static final ArchRule no_public_signature_shows_a_native_type =
      classes()
          .that()
          .arePublic()
          .and()
          .resideOutsideOfPackages("io.isthmus.engine.c..", "io.isthmus.engine.presets..")
          .should(showNoNativeType());

  private static ArchCondition<JavaClass> showNoNativeType() {
    return new ArchCondition<>("show no JavaCPP type to their callers") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        Stream<JavaType> parents =
            Stream.concat(type.getSuperclass().stream(), type.getInterfaces().stream());
        report(type, type.getName(), parents, events);
        for (JavaMember member : type.getMembers()) {
          if (member.getModifiers().contains(JavaModifier.PUBLIC)
              || member.getModifiers().contains(JavaModifier.PROTECTED)) {
            report(type, member.getFullName(), typesOf(member), events);
          }
        }
      }
    };
  }

  private static Stream<JavaType> typesOf(JavaMember member) {
    return member instanceof JavaCodeUnit unit
        ? Stream.concat(Stream.of(unit.getReturnType()), unit.getParameterTypes().stream())
        : Stream.of(((JavaField) member).getType());
  }

  private static void report(
      JavaClass owner, String where, Stream<JavaType> types, ConditionEvents events) {
    types
        .flatMap(type -> type.getAllInvolvedRawTypes().stream())
        .map(JavaClass::getName)
        .filter(n -> n.startsWith("org.bytedeco.") || n.startsWith("io.isthmus.engine.c."))
        .forEach(n -> events.add(SimpleConditionEvent.violated(owner, where + " shows " + n)));
  }
}
