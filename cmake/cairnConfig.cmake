include(${CMAKE_CURRENT_LIST_DIR}/CairnDependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/cairnTargets.cmake)
