# cairn_library(NAME room SRCS files… PUBLIC libs… PRIVATE libs…)
#   One room of libcairn or libcairn_train as a static library with the alias cairn::room.
# cairn_test(NAME program SRCS files… LIBS libs… LABELS labels… [TIMEOUT seconds])
#   One GoogleTest program; each of its tests becomes a CTest test with the given labels.
include(GoogleTest)

function(cairn_library)
  cmake_parse_arguments(ARG "TORCH" "NAME" "SRCS;PUBLIC;PRIVATE" ${ARGN})
  add_library(cairn_${ARG_NAME} STATIC ${ARG_SRCS})
  add_library(cairn::${ARG_NAME} ALIAS cairn_${ARG_NAME})
  target_include_directories(cairn_${ARG_NAME} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<INSTALL_INTERFACE:include>)
  target_link_libraries(cairn_${ARG_NAME} PUBLIC ${ARG_PUBLIC}
    PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:cairn_settings>)
  target_compile_features(cairn_${ARG_NAME} PUBLIC cxx_std_20)
  set_target_properties(cairn_${ARG_NAME} PROPERTIES EXPORT_NAME ${ARG_NAME})
  if(ARG_TORCH)
    target_precompile_headers(cairn_${ARG_NAME} REUSE_FROM cairn_torch)
  else()
    set_property(GLOBAL APPEND PROPERTY CAIRN_RUNTIME_TARGETS cairn_${ARG_NAME})
  endif()
endfunction()

function(cairn_test)
  if(NOT CAIRN_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "TORCH" "NAME;TIMEOUT" "SRCS;LIBS;LABELS;PROPERTIES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_LIBS} cairn_testing cairn_settings GTest::gtest_main)
  if(ARG_TORCH)
    target_precompile_headers(${ARG_NAME} REUSE_FROM cairn_torch)
    # Two OpenMP teams on the same cores wait for each other far longer than one thread takes.
    list(APPEND ARG_PROPERTIES ENVIRONMENT "OMP_NUM_THREADS=1")
  endif()
  gtest_discover_tests(${ARG_NAME} DISCOVERY_TIMEOUT 120
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ${ARG_PROPERTIES})
endfunction()

# cairn_script_test(NAME name COMMAND command… LABELS labels… [TIMEOUT seconds])
#   A test that runs the programs as a user would; exit code 77 means skipped, with the reason on its output.
function(cairn_script_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "COMMAND;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_COMMAND})
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "CAIRN_SHARED_DIR=${CAIRN_SHARED_DIR}")
endfunction()
