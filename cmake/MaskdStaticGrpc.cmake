# maskd_link_grpc_statically(program): links gRPC, protobuf and Abseil into an
# executable. A small call takes a tenth less than through shared libraries, whose
# functions and thread-local variables are reached by way of tables
# (docs/performance.md).
#
# CMake's packages of the distributions name the shared libraries alone, and what
# links to our libraries decides by its target: hence another link command.
#
# Not with sanitizers: TSan leaves out what is not compiled with it by library.
set(MASKD_STATIC_GRPC OFF)
if(NOT MASKD_SANITIZE)
  get_target_property(grpc_library gRPC::grpc++ LOCATION)
  string(REGEX REPLACE "\\.so.*$" ".a" grpc_library "${grpc_library}")
  if(EXISTS "${grpc_library}")
    set(MASKD_STATIC_GRPC ON)
  endif()
endif()
message(STATUS "maskd: programs link gRPC statically: ${MASKD_STATIC_GRPC}")

function(maskd_link_grpc_statically program)
  if(MASKD_STATIC_GRPC)
    set(link ${CMAKE_SOURCE_DIR}/cmake/link-grpc-statically)
    set_property(TARGET ${program} PROPERTY RULE_LAUNCH_LINK ${link})
    set_property(TARGET ${program} APPEND PROPERTY LINK_DEPENDS ${link})
  endif()
endfunction()
