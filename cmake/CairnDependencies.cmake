# Third-party libraries, each found once. Packages are listed in scripts/setup.sh.
# Libraries without a CMake package of their own become plain INTERFACE targets here;
# cairnConfig.cmake includes this file too, so that a consumer finds the same ones.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenSSL COMPONENTS Crypto)
find_dependency(fmt)
find_dependency(spdlog)
find_dependency(nlohmann_json)
find_dependency(OpenMP)
find_dependency(ONNX)
find_dependency(Protobuf)
find_dependency(JPEG)
find_dependency(PNG)
find_dependency(ZLIB)
find_dependency(hwy)
find_dependency(yaml-cpp)

# cairn_find_plain(target header library): an INTERFACE IMPORTED target from a header and a library name.
function(cairn_find_plain target header)
  if(TARGET ${target})
    return()
  endif()
  string(MAKE_C_IDENTIFIER ${target} id)
  find_path(${id}_INCLUDE ${header} PATH_SUFFIXES opencv4 REQUIRED)
  add_library(${target} INTERFACE IMPORTED)
  target_include_directories(${target} SYSTEM INTERFACE ${${id}_INCLUDE})
  foreach(name ${ARGN})
    find_library(${id}_${name} ${name} REQUIRED)
    target_link_libraries(${target} INTERFACE ${${id}_${name}})
  endforeach()
endfunction()

# Not its own CMake package: that one asks for OpenCL headers.
cairn_find_plain(cairn_3rd::dnnl oneapi/dnnl/dnnl.hpp dnnl)
cairn_find_plain(cairn_3rd::webp webp/decode.h webp webpdemux)
cairn_find_plain(cairn_3rd::heif libheif/heif.h heif)
cairn_find_plain(cairn_3rd::opencv opencv2/imgproc.hpp opencv_core opencv_imgproc)
