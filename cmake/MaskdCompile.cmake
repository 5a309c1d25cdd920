# maskd_compile(target): the language, the warnings and the sanitizers of this
# project's own C++ code.
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(MASKD_CCACHE ccache)
  if(MASKD_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${MASKD_CCACHE})
  endif()
endif()

if(MASKD_SANITIZE)
  add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${MASKD_SANITIZE}>
                      $<$<COMPILE_LANGUAGE:C,CXX>:-fno-omit-frame-pointer>)
  if(MASKD_SANITIZE MATCHES "undefined")
    add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fno-sanitize-recover=undefined>)
  endif()
  add_link_options(-fsanitize=${MASKD_SANITIZE})
endif()

function(maskd_compile target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE
    # -Wrestrict of GCC 12 cries wolf over std::string: GCC bug 105329.
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>
    # Of anonymous namespaces in what GCC takes for a header.
    $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
    $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wnon-virtual-dtor;-Wold-style-cast;-Wextra-semi>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${MASKD_WERROR}>>:-Werror>)
endfunction()

# maskd_compile_cuda(target): the warnings of its CUDA code.
function(maskd_compile_cuda target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>"
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${MASKD_WERROR}>>:-Werror=all-warnings>)
endfunction()
