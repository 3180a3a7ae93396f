# Installation: headers, libraries, programs and a CMake package, so that
# find_package(cairn) gives the target cairn::cairn (the whole runtime).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(runtime_targets GLOBAL PROPERTY CAIRN_RUNTIME_TARGETS)
add_library(cairn_all INTERFACE)
add_library(cairn::cairn ALIAS cairn_all)
set_target_properties(cairn_all PROPERTIES EXPORT_NAME cairn)
target_link_libraries(cairn_all INTERFACE ${runtime_targets})

install(TARGETS cairn_all ${runtime_targets} EXPORT cairn_targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/cairn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "testing" EXCLUDE)
install(EXPORT cairn_targets NAMESPACE cairn:: FILE cairnTargets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cairn)
write_basic_package_version_file(cairnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/cairnConfig.cmake
              ${PROJECT_SOURCE_DIR}/cmake/CairnDependencies.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/cairnConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cairn)
