// test_instruction_sets.cpp - the code path a test process runs on is the one that ISTHMUS_ISA asks for; ctest starts
// the tests of ops, networks and paths once for each (CMakeLists.txt).
#include <cstdlib>
#include <string>

#include "c_handles.h"

namespace ist::test {
namespace {

std::string limit() {
    const char *value = std::getenv("ISTHMUS_ISA");
    return value ? value : "";
}

std::string description() {
    ist_engine *engine = nullptr;
    must(ist_engine_create(IST_BACKEND_CPU, 0, 1, &engine));
    const EngineHandle owner(engine, ist_engine_destroy);
    EXPECT_TRUE(limit().empty() || !ist_engine_supports(engine, IST_BF16)) << "bf16 takes AVX-512 with bf16";
    return ist_engine_description(engine);
}

class InstructionSet : public HandlesTest {};

TEST_F(InstructionSet, IsTheOneAskedFor) {
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
    const char *expected = limit() == "avx2" || !avx512   ? ", AVX2, "
                           : limit() == "avx512" || !bf16 ? ", AVX-512, "
                                                          : ", AVX-512 with bf16, ";
    EXPECT_NE(description().find(expected), std::string::npos) << description() << " has no '" << expected << "'";
    if (limit() == "avx512" && !avx512)
        GTEST_SKIP() << "this processor has no AVX-512: the tests ran on AVX2 once more";
}

TEST_F(InstructionSet, RefusesOneItDoesNotKnowAndNamesTheOthers) {
    const std::string before = limit();
    setenv("ISTHMUS_ISA", "sse2", 1);
    ist_engine *engine = nullptr;
    const ist_status status = ist_engine_create(IST_BACKEND_CPU, 0, 1, &engine);
    const std::string sentence = ist_last_error();
    setenv("ISTHMUS_ISA", before.c_str(), 1); // empty is as good as unset
    EXPECT_EQ(status, IST_INVALID_ARGUMENT);
    EXPECT_EQ(engine, nullptr);
    for (const char *part : {"ISTHMUS_ISA", "avx2", "avx512", "'sse2'"})
        EXPECT_NE(sentence.find(part), std::string::npos) << sentence << " does not name " << part;
}

} // namespace
} // namespace ist::test
