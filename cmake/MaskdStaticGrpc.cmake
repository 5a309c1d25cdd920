# maskd_link_grpc_statically(program): links gRPC, protobuf and Abseil into an
# executable, if MASKD_STATIC_GRPC is on. A small call takes a tenth less than through
# shared libraries, whose functions and thread-local variables are reached by way of
# tables (docs/performance.md).
#
# CMake's packages of the distributions name the shared libraries alone, and what
# links to our libraries decides by its target: hence another link command.
#
# Presets with sanitizers have it off: TSan leaves out by library what it did not compile.
get_target_property(grpc_library gRPC::grpc++ LOCATION)
string(REGEX REPLACE "\\.so.*$" ".a" grpc_library "${grpc_library}")
if(MASKD_STATIC_GRPC AND NOT EXISTS "${grpc_library}")
  message(STATUS "maskd: there is no ${grpc_library}: programs link gRPC's shared libraries")
  set(MASKD_STATIC_GRPC OFF)
endif()

function(maskd_link_grpc_statically program)
  if(MASKD_STATIC_GRPC)
    set(link ${CMAKE_SOURCE_DIR}/cmake/link-grpc-statically)
    set_property(TARGET ${program} PROPERTY RULE_LAUNCH_LINK ${link})
    set_property(TARGET ${program} APPEND PROPERTY LINK_DEPENDS ${link})
  endif()
endfunction()
